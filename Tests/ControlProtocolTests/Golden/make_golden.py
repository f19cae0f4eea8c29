#!/usr/bin/env python3
"""Writes the golden frames: every octet is laid out here by hand from docs/CONTROL_PROTOCOL.md, with struct and
socket only, so that neither the Swift nor the Python client can agree with itself. Run it in its own directory after
a change of the specification; a change of existing frames is an incompatible change of the protocol."""

import pathlib
import socket
import struct
import zlib

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


def digest(*records):
    """Of a table with these entries, given with lifetime and users 0."""
    total = 0
    for record in records:
        product = zlib.crc32(record.rstrip(b"\0")) * 0x9E3779B97F4A7C15 % 2**64
        total += product ^ product >> 32
    return total % 2**64


def items(*pairs):
    return b"".join(struct.pack("<HH", len(key), len(value)) + key + value for key, value in pairs)


def event(request_id, sequence, nanoseconds, kind, *pairs):
    payload = struct.pack("<QQHHI", sequence, nanoseconds, kind, 0, len(pairs)) + items(*pairs)
    return frame(16, request_id, payload, REPLY, count=len(pairs))


def statistics(version, flags, sequence, refreshed, counters):
    """The memory file of STATS: header of 64, directory of 16 for each counter, names, values at multiples of 8."""
    names = b"".join(name for name, _ in counters)
    name_at = 64 + 16 * len(counters)
    value_at = (name_at + len(names) + 7) // 8 * 8
    directory, offset = b"", name_at
    for index, (name, _) in enumerate(counters):
        directory += struct.pack("<IHHQ", offset, len(name), 0, value_at + 8 * index)
        offset += len(name)
    head = b"FPSTATS\0" + struct.pack("<IIQQQQ16x", version, flags, sequence, refreshed, 64, len(counters))
    return (head + directory + names).ljust(value_at, b"\0") + struct.pack(
        f"<{len(counters)}Q", *[value for _, value in counters])


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

# Version 1.1: table flags (1: stale entries), digests. lma_v6 counts with lifetime 0.
lma_v6_digested = lma_v6[:8] + bytes(4) + lma_v6[12:]
hello_reply_stale = (
    struct.pack("<HHBBH", 1, 1, 2, 1, 14) + bytes(range(15, -1, -1)) + struct.pack("<QII", 1, 4194304, 65536)
    + struct.pack("<HHIQQQ", 1, 192, 1, 2, 16777216, digest(lma_v6_digested, lma_v4))
    + struct.pack("<HHIQQQ", 2, 64, 0, 1, 65536, digest(tunnel_all)) + struct.pack("<HHIQQQ", 3, 80, 0, 0, 65536, 0)
    + struct.pack("<HHIQQQ", 4, 48, 0, 0, 65536, 0)
    + struct.pack("<HHIQQQ", 5, 32, 1, 1, 65536, digest(peer_failed)) + b"fastpath 0.2.0")

# The transaction of upsert-lma alone: two records of 64 octets.
transaction_crc = zlib.crc32(lma_v6 + lma_v4)

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
    # Version 1.1.
    "hello-request-owner": frame(1, 22, struct.pack("<HHIHH", 1, 1, 7, 7, 0) + b"accessd"),
    "hello-reply-stale": frame(1, 22, hello_reply_stale, REPLY, count=5, size=32),
    "hello-reply-busy": frame(
        1, 0, outcome(0, 0, 0, 0xFFFFFFFF, 10, b"frame", b"1000 connections are open", 0), REPLY, status=10),
    "ping-request": frame(9, 23, bytes.fromhex("0102030405060708")),
    "ping-reply": frame(9, 23, bytes.fromhex("0102030405060708"), REPLY),
    "ping-empty": frame(9, 24, b""),
    "ping-empty-reply": frame(9, 24, b"", REPLY),
    "barrier-request": frame(8, 25, b""),
    "barrier-reply": frame(8, 25, outcome(0, 0, 0, 0xFFFFFFFF, 0, b"", b"", 44), REPLY),
    "txn-begin": frame(10, 26, struct.pack("<HHI", 0, 0, 0), flags=8),
    "txn-begin-bindings": frame(10, 27, struct.pack("<HHI", 1, 0, 0), flags=8),
    "txn-begin-reply": frame(10, 26, outcome(0, 0, 0, 0xFFFFFFFF, 0, b"", b"", 44), REPLY),
    "txn-begin-open": frame(
        10, 27, outcome(0, 0, 0, 0xFFFFFFFF, 11, b"transaction", b"one is open on this connection", 44), REPLY,
        status=11),
    "txn-commit": frame(11, 28, struct.pack("<QII", 2, transaction_crc, 0)),
    # applied 1, unchanged 1, removed 3
    "txn-commit-reply": frame(11, 28, outcome(1, 1, 3, 0xFFFFFFFF, 0, b"", b"", 45), REPLY),
    "txn-commit-conflict": frame(
        11, 28, outcome(0, 0, 0, 0xFFFFFFFF, 11, b"count", b"3 records were said, 2 came", 44), REPLY, status=11),
    "txn-commit-full": frame(
        11, 28, outcome(0, 0, 0, 1, 9, b"tunnel", b"the tunnels are full", 44), REPLY, status=9),
    "txn-abort": frame(12, 29, b""),
    "txn-abort-reply": frame(12, 29, outcome(0, 0, 0, 0xFFFFFFFF, 0, b"", b"", 44), REPLY),
    "sync-begin": frame(13, 30, struct.pack("<HHI", 1, 0, 0)),
    "sync-begin-reply": frame(13, 30, outcome(0, 0, 0, 0xFFFFFFFF, 0, b"", b"", 45), REPLY),
    "sync-end": frame(14, 31, struct.pack("<Q", 5_000_000_000)),
    # removed 7
    "sync-end-reply": frame(14, 31, outcome(0, 0, 7, 0xFFFFFFFF, 0, b"", b"", 46), REPLY),
    "sync-end-conflict": frame(
        14, 31, outcome(0, 0, 0, 0xFFFFFFFF, 11, b"count", b"the owner has 2 entries, 5000000000 were said", 45),
        REPLY, status=11),
    # overflow has bit 0; changed, expired, path-mtu, peer
    "subscribe-request": frame(15, 32, struct.pack("<Q", 1 << 1 | 1 << 2 | 1 << 5 | 1 << 10)),
    "subscribe-end": frame(15, 33, struct.pack("<Q", 0)),
    "subscribe-reply": frame(15, 32, outcome(0, 0, 0, 0xFFFFFFFF, 0, b"", b"", 46), REPLY),
    "event-changed-set": event(
        32, 1, 1_000_000_007, 1, (b"event", b"changed"), (b"operation", b"set"), (b"owner", b"0"), (b"table", b"pmip"),
        (b"prefix", b"2001:db8:100:1::/64"), (b"tunnel.local", b"2001:db8:1::1"),
        (b"tunnel.remote", b"2001:db8:b::1"), (b"lifetime", b"3600"), (b"state", b"active")),
    "event-changed-delete": event(
        32, 2, 1_000_000_008, 1, (b"event", b"changed"), (b"operation", b"delete"), (b"owner", b"4294967295"),
        (b"visitor", b"2001:db8:aaaa::/64")),
    "event-expired": event(
        32, 3, 1_000_000_009, 2, (b"event", b"expired"), (b"table", b"pmip"), (b"prefix", b"203.0.113.10/32"),
        (b"mn", "märzmn1".encode()), (b"reason", b"lifetime")),
    "event-route-expired": event(
        32, 4, 1_000_000_010, 2, (b"event", b"route-expired"), (b"from", b"2001:db8:100:1::/64"),
        (b"to", b"2001:db8:100:2::/64")),
    "event-path-mtu": event(
        32, 5, 1_000_000_011, 5, (b"event", b"path-mtu"), (b"local", b"2001:db8:1::1"),
        (b"remote", b"2001:db8:a::1"), (b"mtu", b"1400")),
    # 94 events were lost: 6 to 99
    "event-overflow": event(
        32, 99, 1_000_000_012, 0, (b"event", b"overflow"), (b"first-lost", b"6"), (b"lost", b"94")),
    "event-bulk": event(
        32, 100, 1_000_000_013, 12, (b"event", b"bulk"), (b"operation", b"swept"), (b"owner", b"7"),
        (b"count", b"1000000")),
    "stats-request": frame(17, 34, b""),
    "stats-reply": frame(17, 34, struct.pack("<QII", 136, 1, 0), REPLY),
}

# What is no frame: the memory file that comes with stats-reply.
AREAS = {
    "stats-area": statistics(
        1, 0, 42, 1_000_000_014, [(b"rx.core", 12345678901234567890), (b"drop.no-binding", 0)]),
}


def main():
    for name, octets in FRAMES.items():
        lines = [octets[:24].hex(" ")] + [octets[at:at + 16].hex(" ") for at in range(24, len(octets), 16)]
        (HERE / f"{name}.hex").write_text("\n".join(lines) + "\n")
    for name, octets in AREAS.items():
        lines = [octets[at:at + 16].hex(" ") for at in range(0, len(octets), 16)]
        (HERE / f"{name}.hex").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
