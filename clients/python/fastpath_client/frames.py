"""Frames and their payloads as octets, in both directions."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from .packing import pack_address, pack_prefix, unpack_record
from .protocol import (
    EVENT, EVENT_HEAD, HEADER, HELLO_REPLY, HELLO_REQUEST, HELLO_TABLE, LARGEST_PAYLOAD, MAJOR, MINOR, NO_INDEX,
    OUTCOME, REPLY, TABLE, TRAFFIC, Header, Outcome, ProtocolError, unpack)
from .records import Record


@dataclass
class Entry:
    """One entry of a LOOKUP with its traffic; up is from the mobile node."""

    record: Record
    up_packets: int
    up_bytes: int
    down_packets: int
    down_bytes: int


class TableState(NamedTuple):
    """What HELLO says of one table; `stale`: some of its entries were not said again."""

    record_size: int
    entries: int
    capacity: int
    digest: int
    stale: bool


@dataclass
class Hello:
    """What the daemon says of itself."""

    version: Tuple[int, int]
    access: str
    role: str
    boot_id: bytes
    generation: int
    largest_payload: int
    records_per_frame: int
    software: str
    #: by table number
    tables: Dict[int, TableState] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """Whether any table has entries that were not said again."""
        return any(table.stale for table in self.tables.values())


@dataclass(frozen=True)
class Event:
    """Something that happened in the daemon; `time` is in nanoseconds of CLOCK_MONOTONIC, `items` are text by name."""

    sequence: int
    time: int
    kind: int
    items: Mapping[str, str]

    @property
    def name(self) -> str:
        """What happened: "expired", "peer", …"""
        return self.items.get("event", f"kind-{self.kind}")


def pack_frame(kind: int, request_id: int, payload: bytes, flags: int = 0, status: int = 0, count: int = 0,
               record_size: int = 0) -> bytes:
    return HEADER.pack(len(payload), kind, flags, request_id, status, count, record_size, 0) + payload


def pack_batch(kind: int, request_id: int, flags: int, items: Sequence[Tuple[int, bytes]]) -> bytes:
    """An UPSERT or DELETE frame of (table, octets); records of several tables make it a mixed one."""
    table, size, octets = join_records(items)
    return pack_frame(kind, request_id, TABLE.pack(table, 0, 0) + octets, flags, 0, len(items), size)


def join_records(items: Sequence[Tuple[int, bytes]]) -> Tuple[int, int, bytes]:
    """Table (0 of several), record size and octets of (table, octets)."""
    tables = {table for table, _ in items}
    size = max((len(octets) for _, octets in items), default=0)
    if len(tables) == 1:
        return tables.pop(), size, b"".join([octets.ljust(size, b"\0") for _, octets in items])
    tagged = [TABLE.pack(table, 0, 0) + octets.ljust(size, b"\0") for table, octets in items]
    return 0, size + TABLE.size if items else 0, b"".join(tagged)


def pack_outcome(outcome: Outcome) -> bytes:
    name, rule = outcome.field.encode(), outcome.rule.encode()
    index = NO_INDEX if outcome.index is None else outcome.index
    return OUTCOME.pack(outcome.applied, outcome.unchanged, outcome.failed, index, outcome.code, len(name), len(rule),
                        outcome.generation) + name + rule


def unpack_outcome(payload: bytes) -> Outcome:
    applied, unchanged, failed, index, code, name, rule, generation = unpack(OUTCOME, payload)
    octets = payload[OUTCOME.size:]
    if len(octets) != name + rule:
        raise ProtocolError("an outcome is not as long as it says")
    return Outcome(applied, unchanged, failed, None if index == NO_INDEX else index, code, text(octets[:name]),
                   text(octets[name:]), generation)


def pack_hello(owner: int, name: str, minor: int = MINOR) -> bytes:
    octets = name.encode()[:255]
    return HELLO_REQUEST.pack(MAJOR, minor, owner, len(octets), 0) + octets


def unpack_hello_reply(count: int, record_size: int, payload: bytes) -> Hello:
    major, minor, access, role, length, boot, generation, largest, per_frame = unpack(HELLO_REPLY, payload)
    start = HELLO_REPLY.size
    tables = {}
    for index in range(count):
        number, size, flags, entries, capacity, digest = unpack(HELLO_TABLE, payload, start + index * record_size)
        tables[number] = TableState(size, entries, capacity, digest, bool(flags & 1))
    software = payload[start + count * record_size:]
    if len(software) != length or access not in (1, 2) or role not in (1, 2):
        raise ProtocolError("a HELLO reply is not as long as it says, or has an unknown access or role")
    return Hello((major, minor), ("read", "write")[access - 1], ("lma", "mag")[role - 1], boot, generation, largest,
                 per_frame, text(software), tables)


def split_records(count: int, size: int, payload: bytes) -> List[bytes]:
    if len(payload) != count * size:
        raise ProtocolError("a frame's records are not as long as its header says")
    return [payload[index * size:(index + 1) * size] for index in range(count)]


def unpack_slice(count: int, size: int, payload: bytes) -> Tuple[int, int, int, List[Record]]:
    """Table, cookie, generation and records of one DUMP frame."""
    table, cookie, generation = unpack(struct.Struct("<QQQ"), payload)
    return table, cookie, generation, [unpack_record(table, octets)
                                       for octets in split_records(count, size, payload[24:])]


def unpack_entries(count: int, size: int, payload: bytes) -> List[Entry]:
    entries = []
    for octets in split_records(count, size, payload):
        table, *traffic = unpack(TRAFFIC, octets)
        entries.append(Entry(unpack_record(table, octets[TRAFFIC.size:]), *traffic))
    return entries


def pack_items(items: Sequence[Tuple[str, str]]) -> bytes:
    """Keys and values as STATUS and EVENT have them."""
    octets = []
    for key, value in items:
        name, words = key.encode(), value.encode()
        octets.append(struct.pack("<HH", len(name), len(words)) + name + words)
    return b"".join(octets)


def unpack_status(count: int, payload: bytes) -> List[Tuple[str, str]]:
    items, offset, lengths = [], 0, struct.Struct("<HH")
    for _ in range(count):
        key, value = unpack(lengths, payload, offset)
        offset += lengths.size
        if offset + key + value > len(payload):
            raise ProtocolError("an item is longer than its payload")
        items.append((text(payload[offset:offset + key]), text(payload[offset + key:offset + key + value])))
        offset += key + value
    return items


def unpack_counters(count: int, payload: bytes) -> Dict[str, int]:
    counters, offset, head = {}, 0, struct.Struct("<QH")
    for _ in range(count):
        value, length = unpack(head, payload, offset)
        offset += head.size
        counters[text(payload[offset:offset + length])] = value
        offset += length
    return counters


def pack_event(request_id: int, event: Event) -> bytes:
    """A whole EVENT frame."""
    items = list(event.items.items())
    payload = EVENT_HEAD.pack(event.sequence, event.time, event.kind, 0, len(items)) + pack_items(items)
    return pack_frame(EVENT, request_id, payload, REPLY, 0, len(items))


def unpack_event(payload: bytes) -> Event:
    sequence, time, kind, _, count = unpack(EVENT_HEAD, payload)
    return Event(sequence, time, kind, dict(unpack_status(count, payload[EVENT_HEAD.size:])))


def pack_lookup(key: str) -> bytes:
    """An address, a prefix, `LOCAL,REMOTE` of a tunnel or `FROM,TO` of a localized route."""
    ends = key.split(",")
    parts = [pack_prefix(end) if "/" in end else (pack_address(end)[0], 0, pack_address(end)[1]) for end in ends]
    kind = (2 if "/" in key else 1) if len(ends) == 1 else (4 if "/" in key else 3)
    second = parts[1] if len(parts) > 1 else (0, 0, b"")
    return struct.pack("<BBBBI16s16s", kind, parts[0][0], parts[0][1], second[1], 0, parts[0][2], second[2])


def text(octets: bytes) -> str:
    """UTF-8, or what the daemon sent is not the protocol."""
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a text is not UTF-8: {error}") from None


def read_frame(connection: socket.socket) -> Tuple[Header, bytes]:
    """One frame from a blocking socket."""
    header = read_header(connection)
    return header, read_payload(connection, header)


def read_header(connection: socket.socket) -> Header:
    return Header(*HEADER.unpack(_read(connection, HEADER.size)))


def read_payload(connection: socket.socket, header: Header) -> bytes:
    if header.length > LARGEST_PAYLOAD:
        raise ProtocolError(f"a payload of {header.length} octets is above the limit of {LARGEST_PAYLOAD}")
    return _read(connection, header.length)


def _read(connection: socket.socket, count: int) -> bytes:
    octets = bytearray(count)
    view, received = memoryview(octets), 0
    while received < count:
        more = connection.recv_into(view[received:])
        if more == 0:
            raise ProtocolError("the connection ended")
        received += more
    return bytes(octets)
