"""Records and keys as octets."""

from __future__ import annotations

import socket
import struct
from typing import Tuple, Union

from .protocol import (
    BINDING_ACCESS, BINDING_HEAD, BINDING_PEER, BINDINGS, CACHES, KEY_SIZE, PEER, PEER_STATES, PEERS, RECORD_SIZE,
    ROUTE, ROUTES, STATES, TUNNEL, TUNNELS, VISITOR, VISITORS, ProtocolError)
from .records import Binding, Key, Peer, Record, Revocation, Route, Tunnel, Visitor


def pack_address(text: str) -> Tuple[int, bytes]:
    """Family 4 or 6, and 16 octets: an IPv4 address is in the first four."""
    if ":" in text:
        return 6, socket.inet_pton(socket.AF_INET6, text)
    return 4, socket.inet_pton(socket.AF_INET, text) + bytes(12)


def unpack_address(family: int, octets: bytes) -> str:
    if family == 6:
        return socket.inet_ntop(socket.AF_INET6, octets)
    return socket.inet_ntop(socket.AF_INET, octets[:4])


def pack_prefix(text: str) -> Tuple[int, int, bytes]:
    address, length = text.split("/")
    family, octets = pack_address(address)
    return family, int(length), octets


def unpack_prefix(family: int, length: int, octets: bytes) -> str:
    return f"{unpack_address(family, octets)}/{length}"


def table_of(record: Record) -> int:
    """The number of the table that the record belongs to."""
    return {Binding: BINDINGS, Tunnel: TUNNELS, Route: ROUTES, Visitor: VISITORS, Peer: PEERS}[type(record)]


def pack_record(record: Record) -> bytes:
    """The record's octets without its trailing zero sections."""
    if isinstance(record, Binding):
        return _pack_binding(record)
    if isinstance(record, Tunnel):
        return _pack_tunnel(record)
    if isinstance(record, Route):
        return _pack_route(record)
    if isinstance(record, Peer):
        family, address = pack_address(record.address)
        return PEER.pack(family, PEER_STATES.index(record.state), b"", address)
    family, length, octets = pack_prefix(record.prefix)
    return VISITOR.pack(family, length, 0, 0, 0, octets, record.port.encode())


def _pack_binding(record: Binding) -> bytes:
    family, length, prefix = pack_prefix(record.prefix)
    tunnel_family, local = pack_address(record.local)
    remote = pack_address(record.remote)[1]
    flags = 0
    if record.local_routing is not None:
        flags |= 3 if record.local_routing else 1
    flags |= 256 if record.require_esp else 0
    flags |= (4 if record.port is not None else 0) | (8 if record.gre_up is not None else 0)
    flags |= (16 if record.gre_down is not None else 0) | (32 if record.peer else 0) | (64 if tunnel_family == 4 else 0)
    head = BINDING_HEAD.pack(CACHES.index(record.table), family, length, STATES.index(record.state), flags,
                              record.lifetime, 0, prefix, local, remote)
    if not (flags & 0x3C or record.mn):
        return head
    mac = bytes.fromhex((record.mac or "").replace(":", ""))
    head += BINDING_ACCESS.pack((record.port or "").encode(), mac, record.vlan, record.gre_up or 0,
                                 record.gre_down or 0)
    if not (record.peer or record.mn):
        return head
    peer = [pack_address(end)[1] for end in record.peer] if record.peer else [b"", b""]
    head += BINDING_PEER.pack(*peer)
    return head + struct.pack("64s", record.mn.encode()) if record.mn else head


def _pack_tunnel(record: Tunnel) -> bytes:
    family, local = pack_address(record.local)
    flags = 1 if record.static else 0
    flags |= 2 if record.hop_limit is not None else 0
    flags |= 4 if record.mtu is not None else 0
    if record.encapsulation_limit is not None:
        flags |= 24 if record.encapsulation_limit < 0 else 8
    if record.dscp is not None:
        flags |= {-1: 96, -2: 160}.get(record.dscp, 32)
    return TUNNEL.pack(family, record.hop_limit or 0, max(record.dscp or 0, 0), record.ecn, flags, record.mtu or 0,
                        max(record.encapsulation_limit or 0, 0), 0, record.users, local,
                        pack_address(record.remote)[1], b"")


def _pack_route(record: Route) -> bytes:
    family, length, source = pack_prefix(record.source)
    to_family, to_length, destination = pack_prefix(record.destination)
    flags = (1 if record.receive_only else 0) | (2 if record.via is None else 0)
    ends = [b"", b""]
    if record.via is not None:
        flags |= 4 if pack_address(record.via[0])[0] == 4 else 0
        ends = [pack_address(end)[1] for end in record.via]
    return ROUTE.pack(family, length, to_family, to_length, flags, record.lifetime, 0, source, destination, *ends)


def unpack_record(table: int, octets: bytes) -> Record:
    """Reads a record of any length: zeros follow a shorter one."""
    try:
        return _unpack_record(table, octets)
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise ProtocolError(f"a record of table {table} has a value that this version does not know: {error}") from None


def _unpack_record(table: int, octets: bytes) -> Record:
    size = RECORD_SIZE[table]
    if any(octets[size:]):
        raise ProtocolError("a record continues with something this version does not know")
    octets = octets[:size].ljust(size, b"\0")
    if table == BINDINGS:
        return _unpack_binding(octets)
    if table == TUNNELS:
        family, hop, dscp, ecn, flags, mtu, limit, _, users, local, remote, _ = TUNNEL.unpack(octets)
        return Tunnel(unpack_address(family, local), unpack_address(family, remote), bool(flags & 1),
                      hop if flags & 2 else None, mtu if flags & 4 else None,
                      (-1 if flags & 16 else limit) if flags & 8 else None,
                      (-1 if flags & 64 else -2 if flags & 128 else dscp) if flags & 32 else None, ecn, users)
    if table == ROUTES:
        family, length, to_family, to_length, flags, lifetime, _, source, to, local, remote = ROUTE.unpack(octets)
        ends = 4 if flags & 4 else 6
        via = None if flags & 2 else (unpack_address(ends, local), unpack_address(ends, remote))
        return Route(unpack_prefix(family, length, source), unpack_prefix(to_family, to_length, to), via,
                     bool(flags & 1), lifetime)
    if table == PEERS:
        family, state, _, address = PEER.unpack(octets)
        return Peer(unpack_address(family, address), _peer_state(state))
    family, length, _, _, _, prefix, port = VISITOR.unpack(octets)
    return Visitor(unpack_prefix(family, length, prefix), port.rstrip(b"\0").decode())


def _peer_state(number: int) -> str:
    name = PEER_STATES[number]
    if name is None:
        raise IndexError(f"peer state {number}")
    return name


def _unpack_binding(octets: bytes) -> Binding:
    cache, family, length, state, flags, lifetime, _, prefix, local, remote = BINDING_HEAD.unpack_from(octets)
    port, mac, vlan, up, down = BINDING_ACCESS.unpack_from(octets, 64)
    peer = BINDING_PEER.unpack_from(octets, 96)
    ends = 4 if flags & 64 else 6
    return Binding(
        unpack_prefix(family, length, prefix), unpack_address(ends, local), unpack_address(ends, remote),
        CACHES[cache], STATES[state], lifetime, bool(flags & 2) if flags & 1 else None,
        port.rstrip(b"\0").decode() if flags & 4 else None, mac.hex(":") if flags & 4 else None, vlan,
        up if flags & 8 else None, down if flags & 16 else None,
        (unpack_address(ends, peer[0]), unpack_address(ends, peer[1])) if flags & 32 else None,
        octets[128:192].rstrip(b"\0").decode(), bool(flags & 256))


def pack_key(key: Union[Key, Revocation]) -> bytes:
    """The octets of a DELETE record: the key fields, and a binding's `expect` where the tunnel remote is."""
    if isinstance(key, Revocation):
        family, remote = pack_address(key.remote)
        flags = 512 | (1024 if key.table else 0) | (64 if family == 4 else 0)
        return BINDING_HEAD.pack(CACHES.index(key.table) if key.table else 0, 0, 0, 0, flags, 0, 0, b"", b"", remote)
    octets = pack_record(key.record)
    if isinstance(key.record, Peer):
        return octets[:1] + bytes(1) + octets[2:]
    if not isinstance(key.record, Binding):
        return octets[:KEY_SIZE[table_of(key.record)]]
    head = list(BINDING_HEAD.unpack_from(octets))
    family, expect = pack_address(key.expect) if key.expect else (0, b"")
    head[3:6] = [0, 128 | (64 if family == 4 else 0) if key.expect else 0, 0]
    head[8:10] = [b"", expect]
    return BINDING_HEAD.pack(*head)


def pack_item(key: Union[Key, Record, Revocation]) -> Tuple[int, bytes]:
    """One item of `pack_batch` for DELETE."""
    if isinstance(key, Revocation):
        return BINDINGS, pack_key(key)
    named = key if isinstance(key, Key) else Key(key)
    return table_of(named.record), pack_key(named)


def entry_key(table: int, octets: bytes) -> bytes:
    """What tells the entry that a record sets from every other; b"" when it sets none (a peer that is alive)."""
    if table == BINDINGS:
        return b"\1" + octets[:3] + octets[16:32]
    if table == TUNNELS:
        return b"\2" + octets[:1] + octets[16:48]
    if table == ROUTES:
        return b"\3" + octets[:4] + octets[16:48]
    if table == VISITORS:
        return b"\4" + octets[:2] + octets[16:32]
    return b"\5" + octets[:1] + octets[16:32] if octets[1] != PEER_STATES.index("alive") else b""
