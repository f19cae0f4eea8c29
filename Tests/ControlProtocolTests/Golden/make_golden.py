#!/usr/bin/env python3
"""Writes the golden frames: every octet is laid out here by hand from docs/CONTROL_PROTOCOL.md, with struct and
socket only, so that neither the Swift nor the Python client can agree with itself. Run it in its own directory after
a change of the specification; a change of existing frames is an incompatible change of the protocol."""

import pathlib
import socket
import struct

HERE = pathlib.Path(__file__).resolve().parent
REPLY = 0x8000


def v6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def v4(text):
    return socket.inet_pton(socket.AF_INET, text) + bytes(12)


def frame(kind, request_id, payload, flags=0, status=0, count=0, size=0):
    return struct.pack("<IHHIIIHH", len(payload), kind, flags, request_id, status, count, size, 0) + payload


def batch(table, *records):
    return struct.pack("<HHHH", table, 0, 0, 0) + b"".join(records)


def outcome(applied, unchanged, failed, index, code, field, rule, generation):
    return struct.pack("<IIIIIHHQ", applied, unchanged, failed, index, code, len(field), len(rule),
                       generation) + field + rule


def tagged(table, record, size):
    return struct.pack("<HHI", table, 0, 0) + record.ljust(size, b"\0")


LMAA, MAG1, MAG2 = v6("2001:db8:1::1"), v6("2001:db8:a::1"), v6("2001:db8:b::1")

# Bindings: table, family, length, state, flags, lifetime, reserved, prefix, tunnel local, tunnel remote.
lma_v6 = struct.pack("<BBBBIII", 0, 6, 64, 0, 0, 3600, 0) + v6("2001:db8:100:1::") + LMAA + MAG1
lma_v4 = struct.pack("<BBBBIII", 0, 4, 32, 1, 0, 0, 0) + v4("203.0.113.10") + LMAA + MAG1
# flags: local routing set and on (3), access (4), GRE up (8), GRE down (16), peer (32); state redirecting (3)
mag_full = (
    struct.pack("<BBBBIII", 1, 6, 128, 3, 0x3F, 0, 0) + v6("2001:db8:100:1::5") + MAG1 + LMAA
    + b"access1".ljust(16, b"\0") + bytes.fromhex("020000000110") + struct.pack("<HII", 100, 0xDEADBEEF, 7)
    + MAG1 + MAG2 + b"mn1@example".ljust(64, b"\0"))
# flags: local routing set, off (1), access (4); 96 octets are enough
mag_short = (
    struct.pack("<BBBBIII", 0, 6, 64, 0, 0x05, 0, 0) + v6("2001:db8:100:2::") + MAG1 + LMAA
    + b"access1".ljust(16, b"\0") + bytes.fromhex("020000000210") + struct.pack("<HII", 0, 0, 0))
# IPv4 tunnel ends (64)
mip_v4_tunnel = (
    struct.pack("<BBBBIII", 1, 4, 24, 0, 0x40, 1, 0) + v4("198.51.100.0") + v4("192.0.2.1") + v4("192.0.2.9"))

# Tunnels: family, hop limit, DSCP, ECN, flags, MTU, encapsulation limit, reserved, users, local, remote, reserved.
tunnel_all = struct.pack("<BBBBIHBBI", 6, 64, 46, 2, 0x2F, 1460, 4, 0, 0) + LMAA + MAG1 + bytes(16)
tunnel_defaults = struct.pack("<BBBBIHBBI", 6, 0, 0, 0, 0, 0, 0, 0, 0) + LMAA + MAG2 + bytes(16)
# automatic MTU (4), no limit option (8+16), DSCP copied (32+64), ECN RFC 6040; 3 users
tunnel_named = struct.pack("<BBBBIHBBI", 6, 0, 0, 1, 0x7C, 0, 0, 0, 3) + LMAA + MAG1 + bytes(16)

# Routes: from family, from length, to family, to length, flags, lifetime, reserved, from, to, via local, via remote.
route_peer = (
    struct.pack("<BBBBIII", 6, 64, 6, 64, 1, 30, 0) + v6("2001:db8:100:1::") + v6("2001:db8:100:2::") + MAG1 + MAG2)
route_local = struct.pack("<BBBBIII", 4, 32, 4, 32, 2, 0, 0) + v4("203.0.113.10") + v4("203.0.113.11") + bytes(32)

# Visitors: family, length, reserved, prefix, port.
visitor = struct.pack("<BB14x", 6, 64) + v6("2001:db8:aaaa::") + b"access1".ljust(16, b"\0")

# Peers: family, state (1 failed, 2 alive), reserved, address.
peer_failed = struct.pack("<BB14x", 6, 1) + MAG1
peer_alive = struct.pack("<BB14x", 4, 2) + v4("192.0.2.9")

# DELETE: expect (128) puts the tunnel remote there.
key_expect = struct.pack("<BBBBIII", 0, 6, 64, 0, 0x80, 0, 0) + v6("2001:db8:100:1::") + bytes(16) + MAG1
key_mip = struct.pack("<BBBBIII", 1, 6, 128, 0, 0, 0, 0) + v6("2001:db8:100:1::5") + bytes(32)
key_tunnel = struct.pack("<BBBBIHBBI", 6, 0, 0, 0, 0, 0, 0, 0, 0) + LMAA + MAG1
key_route = struct.pack("<BBBBIII", 6, 64, 6, 64, 0, 0, 0) + v6("2001:db8:100:1::") + v6("2001:db8:100:2::")
key_visitor = struct.pack("<BB14x", 6, 64) + v6("2001:db8:aaaa::")
key_peer = struct.pack("<BB14x", 6, 0) + MAG1
# all bindings to a remote (512), of one cache (1024), IPv4 ends (64)
key_remote = struct.pack("<BBBBIII", 0, 0, 0, 0, 0x200, 0, 0) + bytes(32) + MAG1
key_remote_mip = struct.pack("<BBBBIII", 1, 0, 0, 0, 0x640, 0, 0) + bytes(32) + v4("192.0.2.9")

hello_reply = (
    struct.pack("<HHBBH", 1, 0, 2, 1, 14) + bytes(range(16)) + struct.pack("<QII", 42, 4194304, 65536)
    + struct.pack("<HHIQQQ", 1, 192, 0, 1000000, 16777216, 0) + struct.pack("<HHIQQQ", 2, 64, 0, 2, 65536, 0)
    + struct.pack("<HHIQQQ", 3, 80, 0, 0, 65536, 0) + struct.pack("<HHIQQQ", 4, 48, 0, 0, 65536, 0)
    + b"fastpath 0.1.0")

lookup_tail = struct.pack("<QQQQ", 10, 1000, 20, 2000)

FRAMES = {
    "hello-request": frame(1, 1, struct.pack("<HHIHH", 1, 0, 0, 11, 0) + b"fastpathctl"),
    "hello-reply": frame(1, 1, hello_reply, REPLY, count=4, size=32),
    "upsert-lma": frame(2, 2, batch(1, lma_v6, lma_v4), flags=1, count=2, size=64),
    "upsert-mag": frame(2, 3, batch(1, mag_full), flags=3, count=1, size=192),
    "upsert-mag-short": frame(2, 4, batch(1, mag_short, mip_v4_tunnel.ljust(96, b"\0")), count=2, size=96),
    "upsert-tunnels": frame(2, 5, batch(2, tunnel_all, tunnel_defaults), flags=1, count=2, size=64),
    "upsert-routes": frame(2, 6, batch(3, route_peer, route_local), flags=1, count=2, size=80),
    "upsert-visitor": frame(2, 7, batch(4, visitor), flags=1, count=1, size=48),
    "upsert-mixed": frame(
        2, 8, batch(0, tagged(2, tunnel_all, 80), tagged(1, lma_v6, 80), tagged(3, route_local, 80),
                    tagged(4, visitor, 80)), flags=1, count=4, size=88),
    "delete-expect": frame(3, 9, batch(1, key_expect, key_mip), flags=1, count=2, size=64),
    "delete-mixed": frame(
        3, 10, batch(0, tagged(2, key_tunnel, 48), tagged(3, key_route, 48), tagged(4, key_visitor, 48)), count=3,
        size=56),
    "upsert-peers": frame(2, 18, batch(5, peer_failed, peer_alive), flags=1, count=2, size=32),
    "delete-peer": frame(3, 19, batch(5, key_peer), flags=1, count=1, size=32),
    "delete-remote": frame(3, 20, batch(1, key_remote, key_remote_mip), flags=1, count=2, size=64),
    "outcome-ok": frame(2, 2, outcome(2, 1, 0, 0xFFFFFFFF, 0, b"", b"", 43), REPLY),
    "outcome-stale": frame(
        3, 9, outcome(0, 0, 1, 1, 7, b"expect", b"the tunnel is 2001:db8:b::1", 43), REPLY, status=7),
    "failure-unsupported": frame(
        99, 77, outcome(0, 0, 0, 0xFFFFFFFF, 2, b"frame", b"message type 99 is not served by this version", 0),
        REPLY, status=2),
    "lookup-address": frame(4, 11, struct.pack("<BBBBI", 1, 4, 0, 0, 0) + v4("203.0.113.10") + bytes(16)),
    "lookup-prefix": frame(4, 12, struct.pack("<BBBBI", 2, 6, 64, 0, 0) + v6("2001:db8:100:1::") + bytes(16)),
    "lookup-tunnel": frame(4, 13, struct.pack("<BBBBI", 3, 6, 0, 0, 0) + LMAA + MAG1),
    "lookup-route": frame(
        4, 14, struct.pack("<BBBBI", 4, 6, 64, 64, 0) + v6("2001:db8:100:1::") + v6("2001:db8:100:2::")),
    "lookup-reply": frame(
        4, 12, struct.pack("<HHI", 1, 0, 0) + lookup_tail + lma_v6.ljust(192, b"\0")
        + struct.pack("<HHI", 2, 0, 0) + lookup_tail + tunnel_named.ljust(192, b"\0"), REPLY, count=2, size=232),
    "dump-request": frame(5, 15, struct.pack("<HHIQ", 0, 0, 0, 0)),
    "dump-slice": frame(5, 15, struct.pack("<HHIQQ", 1, 0, 0, 7, 43) + lma_v6 + lma_v4, REPLY, count=2, size=64),
    "dump-peers": frame(5, 21, struct.pack("<HHIQQ", 5, 0, 0, 1, 43) + peer_failed, REPLY, count=1, size=32),
    "dump-end": frame(5, 15, struct.pack("<HHIQQ", 0, 0, 0, 0, 43), REPLY),
    "status-request": frame(6, 16, b""),
    "status-reply": frame(
        6, 16, struct.pack("<HH", 4, 3) + b"role" + b"lma" + struct.pack("<HH", 9, 24)
        + b"warning.0" + "rx ring of core: ½ full".encode(), REPLY, count=2),
    "counters-request": frame(7, 17, struct.pack("<B3x", 1)),
    "counters-reply": frame(
        7, 17, struct.pack("<QH", 12345678901234567890, 7) + b"rx.core" + struct.pack("<QH", 0, 15)
        + b"drop.no-binding", REPLY | 4, count=2),
}


def main():
    for name, octets in FRAMES.items():
        lines = [octets[:24].hex(" ")] + [octets[at:at + 16].hex(" ") for at in range(24, len(octets), 16)]
        (HERE / f"{name}.hex").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
