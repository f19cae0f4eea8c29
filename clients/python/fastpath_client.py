"""Dependency-free client of the fastpath table protocol (docs/CONTROL_PROTOCOL.md), Python 3.9 or later.

    from fastpath_client import Binding, Client
    with Client("/run/fastpath/fastpathd.sock") as client:
        client.upsert([Binding("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1")], atomic=True)

Addresses and prefixes are text. A refusal raises `Refused`, which names index, field and rule; a broken connection
raises OSError or `ProtocolError`.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

MAJOR, MINOR = 1, 0
HEADER = struct.Struct("<IHHIIIHH")
LARGEST_PAYLOAD = 4 << 20

HELLO, UPSERT, DELETE, LOOKUP, DUMP, STATUS, COUNTERS = range(1, 8)
ATOMIC, QUIESCED, MORE, REPLY = 1, 2, 4, 1 << 15
BINDINGS, TUNNELS, ROUTES, VISITORS, PEERS = 1, 2, 3, 4, 5
TABLES = {"bindings": BINDINGS, "tunnels": TUNNELS, "routes": ROUTES, "visitors": VISITORS, "peers": PEERS}
RECORD_SIZE = {BINDINGS: 192, TUNNELS: 64, ROUTES: 80, VISITORS: 48, PEERS: 32}
CACHES = ("pmip", "mip")
STATES = ("active", "pending", "deregistering", "redirecting", "buffering", "flushing", "relaying")
PEER_STATES = (None, "failed", "alive")
STATUS_TEXT = (
    "ok", "malformed", "unsupported", "version mismatch", "too large", "not permitted", "invalid", "stale", "not found",
    "table full", "unavailable", "conflict", "internal failure", "HELLO required")
(OK, MALFORMED, UNSUPPORTED, VERSION_MISMATCH, TOO_LARGE, NOT_PERMITTED, INVALID, STALE, NOT_FOUND, FULL, UNAVAILABLE,
 CONFLICT, INTERNAL_FAILURE, HELLO_REQUIRED) = range(14)
NO_INDEX = 0xFFFFFFFF

_ADDRESS = struct.Struct("16s")
_BINDING_HEAD = struct.Struct("<BBBBIII16s16s16s")
_BINDING_ACCESS = struct.Struct("<16s6sHII")
_BINDING_PEER = struct.Struct("<16s16s")
_TUNNEL = struct.Struct("<BBBBIHBBI16s16s16s")
_ROUTE = struct.Struct("<BBBBIII16s16s16s16s")
_VISITOR = struct.Struct("<BBHIQ16s16s")
_PEER = struct.Struct("<BB14s16s")
_OUTCOME = struct.Struct("<IIIIIHHQ")
_HELLO_REPLY = struct.Struct("<HHBBH16sQII")
_HELLO_TABLE = struct.Struct("<HHIQQQ")
_TRAFFIC = struct.Struct("<QQQQQ")


class ProtocolError(Exception):
    """The peer sent something that is not the protocol, or the connection ended."""


@dataclass
class Outcome:
    applied: int = 0
    unchanged: int = 0
    failed: int = 0
    index: Optional[int] = None
    code: int = OK
    field: str = ""
    rule: str = ""
    generation: int = 0


class Refused(Exception):
    """A reply with a status other than ok."""

    def __init__(self, status: int, outcome: Outcome):
        self.status, self.outcome = status, outcome
        name = STATUS_TEXT[status] if status < len(STATUS_TEXT) else f"status {status}"
        where = "" if outcome.index is None else f" record {outcome.index}:"
        super().__init__(f"{name}:{where} {outcome.field}: {outcome.rule}")


@dataclass(frozen=True)
class Binding:
    """One prefix of one mobile node; `local` and `remote` are the tunnel's ends."""

    prefix: str
    local: str
    remote: str
    table: str = "pmip"
    state: str = "active"
    lifetime: int = 0
    local_routing: Optional[bool] = None
    port: Optional[str] = None
    mac: Optional[str] = None
    vlan: int = 0
    gre_up: Optional[int] = None
    gre_down: Optional[int] = None
    peer: Optional[Tuple[str, str]] = None
    mn: str = ""
    # Of a Mobile IPv6 binding: what comes by the tunnel without ESP is dropped.
    require_esp: bool = False


@dataclass(frozen=True)
class Tunnel:
    """A tunnel's settings; None follows the configuration. mtu 0 is automatic, encapsulation_limit -1 no option,
    dscp -1 copied from the inner packet, -2 copied both ways, ecn 1 RFC 6040, 2 compatibility, 3 rfc5213-strict."""

    local: str
    remote: str
    static: bool = False
    hop_limit: Optional[int] = None
    mtu: Optional[int] = None
    encapsulation_limit: Optional[int] = None
    dscp: Optional[int] = None
    ecn: int = 0
    users: int = 0


@dataclass(frozen=True)
class Route:
    """A localized route; via None: both mobile nodes are on this MAG."""

    source: str
    destination: str
    via: Optional[Tuple[str, str]] = None
    receive_only: bool = False
    lifetime: int = 0


@dataclass(frozen=True)
class Visitor:
    prefix: str
    port: str


@dataclass(frozen=True)
class Peer:
    """A tunnel's far end that failed: nothing goes by its tunnels until it is "alive"."""

    address: str
    state: str = "failed"


Record = Union[Binding, Tunnel, Route, Visitor, Peer]


@dataclass(frozen=True)
class Key:
    """What `delete` names: a record's key fields, and the tunnel remote a binding must still have."""

    record: Record
    expect: Optional[str] = None


@dataclass(frozen=True)
class Revocation:
    """What `delete` names, too: every binding whose tunnel has this remote, of one cache ("pmip", "mip") or both."""

    remote: str
    table: Optional[str] = None


@dataclass
class Entry:
    record: Record
    up_packets: int
    up_bytes: int
    down_packets: int
    down_bytes: int


@dataclass
class Hello:
    version: Tuple[int, int]
    access: str
    role: str
    boot_id: bytes
    generation: int
    largest_payload: int
    records_per_frame: int
    software: str
    #: table number: (record size, entries, capacity, digest)
    tables: Dict[int, Tuple[int, int, int, int]] = field(default_factory=dict)


def pack_address(text: str) -> Tuple[int, bytes]:
    """Family 4 or 6, and 16 octets: an IPv4 address is in the first four."""
    if ":" in text:
        return 6, socket.inet_pton(socket.AF_INET6, text)
    return 4, socket.inet_pton(socket.AF_INET, text) + bytes(12)


def unpack_address(family: int, octets: bytes) -> str:
    if family == 6:
        return socket.inet_ntop(socket.AF_INET6, octets)
    return socket.inet_ntop(socket.AF_INET, octets[:4])


def _pack_prefix(text: str) -> Tuple[int, int, bytes]:
    address, length = text.split("/")
    family, octets = pack_address(address)
    return family, int(length), octets


def _unpack_prefix(family: int, length: int, octets: bytes) -> str:
    return f"{unpack_address(family, octets)}/{length}"


def table_of(record: Record) -> int:
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
        return _PEER.pack(family, PEER_STATES.index(record.state), b"", address)
    family, length, octets = _pack_prefix(record.prefix)
    return _VISITOR.pack(family, length, 0, 0, 0, octets, record.port.encode())


def _pack_binding(record: Binding) -> bytes:
    family, length, prefix = _pack_prefix(record.prefix)
    tunnel_family, local = pack_address(record.local)
    remote = pack_address(record.remote)[1]
    flags = 0
    if record.local_routing is not None:
        flags |= 3 if record.local_routing else 1
    flags |= 256 if record.require_esp else 0
    flags |= (4 if record.port is not None else 0) | (8 if record.gre_up is not None else 0)
    flags |= (16 if record.gre_down is not None else 0) | (32 if record.peer else 0) | (64 if tunnel_family == 4 else 0)
    head = _BINDING_HEAD.pack(CACHES.index(record.table), family, length, STATES.index(record.state), flags,
                              record.lifetime, 0, prefix, local, remote)
    if not (flags & 0x3C or record.mn):
        return head
    mac = bytes.fromhex((record.mac or "").replace(":", ""))
    head += _BINDING_ACCESS.pack((record.port or "").encode(), mac, record.vlan, record.gre_up or 0,
                                 record.gre_down or 0)
    if not (record.peer or record.mn):
        return head
    peer = [pack_address(end)[1] for end in record.peer] if record.peer else [b"", b""]
    head += _BINDING_PEER.pack(*peer)
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
    return _TUNNEL.pack(family, record.hop_limit or 0, max(record.dscp or 0, 0), record.ecn, flags, record.mtu or 0,
                        max(record.encapsulation_limit or 0, 0), 0, record.users, local,
                        pack_address(record.remote)[1], b"")


def _pack_route(record: Route) -> bytes:
    family, length, source = _pack_prefix(record.source)
    to_family, to_length, destination = _pack_prefix(record.destination)
    flags = (1 if record.receive_only else 0) | (2 if record.via is None else 0)
    ends = [b"", b""]
    if record.via is not None:
        flags |= 4 if pack_address(record.via[0])[0] == 4 else 0
        ends = [pack_address(end)[1] for end in record.via]
    return _ROUTE.pack(family, length, to_family, to_length, flags, record.lifetime, 0, source, destination, *ends)


def unpack_record(table: int, octets: bytes) -> Record:
    """Reads a record of any length: zeros follow a shorter one."""
    size = RECORD_SIZE[table]
    if any(octets[size:]):
        raise ProtocolError("a record continues with something this version does not know")
    octets = octets[:size].ljust(size, b"\0")
    if table == BINDINGS:
        return _unpack_binding(octets)
    if table == TUNNELS:
        family, hop, dscp, ecn, flags, mtu, limit, _, users, local, remote, _ = _TUNNEL.unpack(octets)
        return Tunnel(unpack_address(family, local), unpack_address(family, remote), bool(flags & 1),
                      hop if flags & 2 else None, mtu if flags & 4 else None,
                      (-1 if flags & 16 else limit) if flags & 8 else None,
                      (-1 if flags & 64 else -2 if flags & 128 else dscp) if flags & 32 else None, ecn, users)
    if table == ROUTES:
        family, length, to_family, to_length, flags, lifetime, _, source, to, local, remote = _ROUTE.unpack(octets)
        ends = 4 if flags & 4 else 6
        via = None if flags & 2 else (unpack_address(ends, local), unpack_address(ends, remote))
        return Route(_unpack_prefix(family, length, source), _unpack_prefix(to_family, to_length, to), via,
                     bool(flags & 1), lifetime)
    if table == PEERS:
        family, state, _, address = _PEER.unpack(octets)
        return Peer(unpack_address(family, address), PEER_STATES[state])
    family, length, _, _, _, prefix, port = _VISITOR.unpack(octets)
    return Visitor(_unpack_prefix(family, length, prefix), port.rstrip(b"\0").decode())


def _unpack_binding(octets: bytes) -> Binding:
    cache, family, length, state, flags, lifetime, _, prefix, local, remote = _BINDING_HEAD.unpack_from(octets)
    port, mac, vlan, up, down = _BINDING_ACCESS.unpack_from(octets, 64)
    peer = _BINDING_PEER.unpack_from(octets, 96)
    ends = 4 if flags & 64 else 6
    return Binding(
        _unpack_prefix(family, length, prefix), unpack_address(ends, local), unpack_address(ends, remote),
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
        return _BINDING_HEAD.pack(CACHES.index(key.table) if key.table else 0, 0, 0, 0, flags, 0, 0, b"", b"", remote)
    octets = pack_record(key.record)
    if isinstance(key.record, Peer):
        return octets[:1] + bytes(1) + octets[2:]
    if not isinstance(key.record, Binding):
        return octets[:32 if isinstance(key.record, Visitor) else 48]
    head = list(_BINDING_HEAD.unpack_from(octets))
    family, expect = pack_address(key.expect) if key.expect else (0, b"")
    head[3:6] = [0, 128 | (64 if family == 4 else 0) if key.expect else 0, 0]
    head[8:10] = [b"", expect]
    return _BINDING_HEAD.pack(*head)


def pack_item(key: Union[Key, Record, Revocation]) -> Tuple[int, bytes]:
    """One item of `pack_batch` for DELETE."""
    if isinstance(key, Revocation):
        return BINDINGS, pack_key(key)
    named = key if isinstance(key, Key) else Key(key)
    return table_of(named.record), pack_key(named)


def pack_frame(kind: int, request_id: int, payload: bytes, flags: int = 0, status: int = 0, count: int = 0,
               record_size: int = 0) -> bytes:
    return HEADER.pack(len(payload), kind, flags, request_id, status, count, record_size, 0) + payload


def pack_batch(kind: int, request_id: int, flags: int, items: Sequence[Tuple[int, bytes]]) -> bytes:
    """An UPSERT or DELETE frame of (table, octets); records of several tables make it a mixed one."""
    tables = {table for table, _ in items}
    size = max((len(octets) for _, octets in items), default=0)
    if len(tables) == 1:
        table, records = tables.pop(), [octets.ljust(size, b"\0") for _, octets in items]
    else:
        table = 0
        records = [struct.pack("<Q", table) + octets.ljust(size, b"\0") for table, octets in items]
        size += 8 if items else 0
    return pack_frame(kind, request_id, struct.pack("<Q", table) + b"".join(records), flags, 0, len(items), size)


def pack_outcome(outcome: Outcome) -> bytes:
    name, rule = outcome.field.encode(), outcome.rule.encode()
    index = NO_INDEX if outcome.index is None else outcome.index
    return _OUTCOME.pack(outcome.applied, outcome.unchanged, outcome.failed, index, outcome.code, len(name), len(rule),
                         outcome.generation) + name + rule


def unpack_outcome(payload: bytes) -> Outcome:
    applied, unchanged, failed, index, code, name, rule, generation = _OUTCOME.unpack_from(payload)
    text = payload[_OUTCOME.size:]
    if len(text) != name + rule:
        raise ProtocolError("an outcome is not as long as it says")
    return Outcome(applied, unchanged, failed, None if index == NO_INDEX else index, code, text[:name].decode(),
                   text[name:].decode(), generation)


def unpack_hello_reply(count: int, record_size: int, payload: bytes) -> Hello:
    major, minor, access, role, length, boot, generation, largest, per_frame = _HELLO_REPLY.unpack_from(payload)
    start = _HELLO_REPLY.size
    tables = {}
    for index in range(count):
        number, size, _, entries, capacity, digest = _HELLO_TABLE.unpack_from(payload, start + index * record_size)
        tables[number] = (size, entries, capacity, digest)
    software = payload[start + count * record_size:]
    if len(software) != length:
        raise ProtocolError("a HELLO reply is not as long as it says")
    return Hello((major, minor), {1: "read", 2: "write"}[access], {1: "lma", 2: "mag"}[role], boot, generation,
                 largest, per_frame, software.decode(), tables)


def split_records(count: int, size: int, payload: bytes) -> List[bytes]:
    if len(payload) != count * size:
        raise ProtocolError("a frame's records are not as long as its header says")
    return [payload[index * size:(index + 1) * size] for index in range(count)]


def unpack_slice(count: int, size: int, payload: bytes) -> Tuple[int, int, int, List[Record]]:
    """Table, cookie, generation and records of one DUMP frame."""
    table, cookie, generation = struct.unpack_from("<QQQ", payload)
    return table, cookie, generation, [unpack_record(table, octets)
                                       for octets in split_records(count, size, payload[24:])]


def unpack_entries(count: int, size: int, payload: bytes) -> List[Entry]:
    entries = []
    for octets in split_records(count, size, payload):
        table, *traffic = _TRAFFIC.unpack_from(octets)
        entries.append(Entry(unpack_record(table, octets[40:]), *traffic))
    return entries


def unpack_status(count: int, payload: bytes) -> List[Tuple[str, str]]:
    items, offset = [], 0
    for _ in range(count):
        key, value = struct.unpack_from("<HH", payload, offset)
        text = payload[offset + 4:offset + 4 + key + value]
        items.append((text[:key].decode(), text[key:].decode()))
        offset += 4 + key + value
    return items


def unpack_counters(count: int, payload: bytes) -> Dict[str, int]:
    counters, offset = {}, 0
    for _ in range(count):
        value, length = struct.unpack_from("<QH", payload, offset)
        counters[payload[offset + 10:offset + 10 + length].decode()] = value
        offset += 10 + length
    return counters


def pack_lookup(key: str) -> bytes:
    """An address, a prefix, `LOCAL,REMOTE` of a tunnel or `FROM,TO` of a localized route."""
    ends = key.split(",")
    parts = [_pack_prefix(end) if "/" in end else (pack_address(end)[0], 0, pack_address(end)[1]) for end in ends]
    kind = (2 if "/" in key else 1) if len(ends) == 1 else (4 if "/" in key else 3)
    second = parts[1] if len(parts) > 1 else (0, 0, b"")
    return struct.pack("<BBBBI16s16s", kind, parts[0][0], parts[0][1], second[1], 0, parts[0][2], second[2])


class Client:
    """One connection. Methods send a request and wait for its reply; `upsert_many` pipelines."""

    def __init__(self, path: str, owner: int = 0, name: str = "python", timeout: float = 60.0):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._socket.connect(path)
        self._next_id = 1
        octets = name.encode()
        self._send(HELLO, struct.pack("<HHIHH", MAJOR, MINOR, owner, len(octets), 0) + octets)
        header, payload = self._receive()
        #: what the daemon said of itself
        self.hello: Hello = unpack_hello_reply(header[5], header[6], payload)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def upsert(self, records: Sequence[Record], atomic: bool = False, quiesced: bool = False) -> Outcome:
        """Sets records. Raises `Refused` when one failed; with `atomic` nothing was applied then."""
        return self._batch(UPSERT, [(table_of(record), pack_record(record)) for record in records], atomic, quiesced)

    def delete(self, keys: Sequence[Union[Key, Record, Revocation]], atomic: bool = False,
               quiesced: bool = False) -> Outcome:
        """Deletes by key; `unchanged` counts what was absent."""
        return self._batch(DELETE, [pack_item(key) for key in keys], atomic, quiesced)

    def upsert_many(self, records: Sequence[Record], per_frame: int = 16384, ahead: int = 4) -> Outcome:
        """Sets any number of records in pipelined frames, each atomic; raises at the first refused one."""
        total, waiting = Outcome(generation=self.hello.generation), 0
        for start in range(0, len(records), per_frame):
            part = [(table_of(record), pack_record(record)) for record in records[start:start + per_frame]]
            self._socket.sendall(pack_batch(UPSERT, self._take_id(), ATOMIC, part))
            waiting += 1
            if waiting == ahead:
                self._add(total)
                waiting -= 1
        for _ in range(waiting):
            self._add(total)
        return total

    def lookup(self, key: str) -> List[Entry]:
        """Entries for an address (longest match), a prefix, `LOCAL,REMOTE` or `FROM,TO`; [] when there is none."""
        self._send(LOOKUP, pack_lookup(key))
        try:
            header, payload = self._receive()
        except Refused as refusal:
            if refusal.status == NOT_FOUND:
                return []
            raise
        return unpack_entries(header[5], header[6], payload)

    def dump(self, table: Optional[str] = None, cookie: int = 0) -> Iterator[Record]:
        """Every record, in slices; do not use the connection for anything else before the last one."""
        self._send(DUMP, struct.pack("<QQ", TABLES[table] if table else 0, cookie))
        while True:
            header, payload = self._receive()
            if header[5] == 0:
                return
            yield from unpack_slice(header[5], header[6], payload)[3]

    def status(self) -> Dict[str, str]:
        self._send(STATUS, b"")
        return dict(item for header, payload in self._parts() for item in unpack_status(header[5], payload))

    def counters(self, all: bool = False) -> Dict[str, int]:
        self._send(COUNTERS, struct.pack("<I", 1 if all else 0))
        return {name: value for header, payload in self._parts()
                for name, value in unpack_counters(header[5], payload).items()}

    def _batch(self, kind: int, items: Sequence[Tuple[int, bytes]], atomic: bool, quiesced: bool) -> Outcome:
        flags = (ATOMIC if atomic else 0) | (QUIESCED if quiesced else 0)
        self._socket.sendall(pack_batch(kind, self._take_id(), flags, items))
        return unpack_outcome(self._receive()[1])

    def _add(self, total: Outcome) -> None:
        outcome = unpack_outcome(self._receive()[1])
        total.applied += outcome.applied
        total.unchanged += outcome.unchanged
        total.generation = outcome.generation

    def _take_id(self) -> int:
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        return self._next_id

    def _send(self, kind: int, payload: bytes) -> None:
        self._socket.sendall(pack_frame(kind, self._take_id(), payload))

    def _parts(self) -> Iterator[Tuple[Tuple[int, ...], bytes]]:
        while True:
            header, payload = self._receive()
            yield header, payload
            if not header[2] & MORE:
                return

    def _receive(self) -> Tuple[Tuple[int, ...], bytes]:
        header, payload = read_frame(self._socket)
        if header[4] != OK:
            raise Refused(header[4], unpack_outcome(payload))
        return header, payload


def read_frame(connection: socket.socket) -> Tuple[Tuple[int, ...], bytes]:
    """One frame: (length, type, flags, id, status, count, record size, reserved) and the payload."""
    header = HEADER.unpack(_read(connection, HEADER.size))
    if header[0] > LARGEST_PAYLOAD:
        raise ProtocolError(f"a payload of {header[0]} octets is above the limit of {LARGEST_PAYLOAD}")
    return header, _read(connection, header[0])


def _read(connection: socket.socket, count: int) -> bytes:
    octets = bytearray(count)
    view, received = memoryview(octets), 0
    while received < count:
        more = connection.recv_into(view[received:])
        if more == 0:
            raise ProtocolError("the connection ended")
        received += more
    return bytes(octets)
