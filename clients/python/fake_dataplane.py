"""A stand-alone fake data plane: it speaks the table protocol and keeps the records in dictionaries, so that a control
daemon can be written and tested without privileges or interfaces. It forwards nothing.

    python3 fake_dataplane.py /tmp/fake.sock [--role lma|mag]
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import socketserver
import struct
import threading
from typing import Dict, List, Optional, Tuple

import fastpath_client as fp

SLICE = 1000
ORDER = (fp.PEERS, fp.TUNNELS, fp.VISITORS, fp.BINDINGS, fp.ROUTES)


class Refusal(Exception):
    """A request that ends in another status than ok."""

    def __init__(self, code: int, field: str, rule: str, index: Optional[int] = None):
        super().__init__(rule)
        self.outcome = fp.Outcome(failed=0 if index is None else 1, index=index, code=code, field=field, rule=rule)


def key_of(record: fp.Record) -> Tuple[object, ...]:
    if isinstance(record, fp.Binding):
        return (record.table, record.prefix)
    if isinstance(record, fp.Tunnel):
        return (record.local, record.remote)
    if isinstance(record, fp.Route):
        return (record.source, record.destination)
    return (record.address,) if isinstance(record, fp.Peer) else (record.prefix,)


class FakeDataPlane:
    """The tables. `refuse` lets a test make the plane refuse: it gets each record and returns (field, rule) or None."""

    def __init__(self, role: str = "lma", ports: Tuple[str, ...] = ("access1", "access2")):
        self.role, self.ports = role, ports
        self.tables: Dict[int, Dict[Tuple[object, ...], fp.Record]] = {table: {} for table in ORDER}
        self.generation = 0
        self.boot_id = os.urandom(16)
        self.refuse = lambda record: None
        #: what STATUS and COUNTERS answer; counters of 0 are shown with --all only
        self.status: List[Tuple[str, str]] = [("role", role)]
        self.counters: Dict[str, int] = {}
        #: (type, flags, count, record size) of every request
        self.seen: List[Tuple[int, int, int, int]] = []
        self.lock = threading.Lock()

    def hello(self) -> Tuple[bytes, int, int]:
        version = b"fake 1.0"
        payload = fp._HELLO_REPLY.pack(fp.MAJOR, fp.MINOR, 2, 1 if self.role == "lma" else 2, len(version),
                                       self.boot_id, self.generation, fp.LARGEST_PAYLOAD, 65536)
        for number, size in fp.RECORD_SIZE.items():
            payload += fp._HELLO_TABLE.pack(number, size, 0, len(self.tables[number]), 1 << 24, 0)
        return payload + version, len(fp.RECORD_SIZE), fp._HELLO_TABLE.size

    def check(self, record: fp.Record) -> Optional[Tuple[str, str]]:
        """The rule that needs the configuration: an access port must be one of ours."""
        name = getattr(record, "port", None)
        if name is not None and name not in self.ports:
            return ("port" if isinstance(record, fp.Visitor) else "access.port", f"no access port is named \"{name}\"")
        return self.refuse(record)

    def upsert(self, records: List[fp.Record]) -> fp.Outcome:
        for index, record in enumerate(records):
            wrong = self.check(record)
            if wrong:
                raise Refusal(fp.INVALID, wrong[0], wrong[1], index)
        outcome = fp.Outcome()
        for record in records:
            table = self.tables[fp.table_of(record)]
            # A peer that is alive has no record.
            wanted = None if isinstance(record, fp.Peer) and record.state == "alive" else record
            if table.get(key_of(record)) == wanted:
                outcome.unchanged += 1
            else:
                table.pop(key_of(record), None)
                if wanted:
                    table[key_of(record)] = wanted
                outcome.applied += 1
        return self._published(outcome)

    def delete(self, keys: List[Tuple[object, Optional[str]]]) -> fp.Outcome:
        for index, (record, expect) in enumerate(keys):
            if isinstance(record, fp.Revocation):
                continue
            present = self.tables[fp.table_of(record)].get(key_of(record))
            if expect is not None and present is not None and present.remote != expect:
                raise Refusal(fp.STALE, "expect", f"the tunnel's remote is {present.remote}", index)
        outcome = fp.Outcome()
        for record, _ in keys:
            if isinstance(record, fp.Revocation):
                outcome.applied += self._revoke(record)
            elif self.tables[fp.table_of(record)].pop(key_of(record), None) is None:
                outcome.unchanged += 1
            else:
                outcome.applied += 1
        return self._published(outcome)

    def _revoke(self, revocation: fp.Revocation) -> int:
        bindings = self.tables[fp.BINDINGS]
        gone = [key for key, record in bindings.items()
                if record.remote == revocation.remote and revocation.table in (None, record.table)]
        for key in gone:
            del bindings[key]
        return len(gone)

    def _published(self, outcome: fp.Outcome) -> fp.Outcome:
        self.generation += 1 if outcome.applied else 0
        outcome.generation = self.generation
        return outcome

    def lookup(self, payload: bytes) -> List[fp.Record]:
        kind, family, length, second_length, _, first, second = struct.unpack("<BBBBI16s16s", payload)
        one, other = fp.unpack_address(family, first), fp.unpack_address(family, second)
        if kind == 1:
            found = self._longest(one)
            return [found] if found else []
        if kind == 2:
            prefix = f"{one}/{length}"
            return [record for number in (fp.BINDINGS, fp.VISITORS) for record in self.tables[number].values()
                    if record.prefix == prefix] + [
                        record for record in self.tables[fp.ROUTES].values() if record.source == prefix]
        number, key = (fp.TUNNELS, (one, other)) if kind == 3 else (
            fp.ROUTES, (f"{one}/{length}", f"{other}/{second_length}"))
        record = self.tables[number].get(key)
        return [record] if record else []

    def _longest(self, text: str) -> Optional[fp.Record]:
        address = ipaddress.ip_address(text)
        candidates = [list(self.tables[fp.VISITORS].values())]
        for cache in ("pmip", "mip"):
            candidates.insert(0, [r for r in self.tables[fp.BINDINGS].values() if r.table == cache])
        for records in candidates:
            matches = [r for r in records if address in ipaddress.ip_network(r.prefix)]
            if matches:
                return max(matches, key=lambda r: ipaddress.ip_network(r.prefix).prefixlen)
        return None


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while True:
                header, payload = fp.read_frame(self.request)
                with self.server.plane.lock:
                    self._answer(header, payload)
        except (fp.ProtocolError, OSError):
            return

    def _answer(self, header: Tuple[int, ...], payload: bytes) -> None:
        plane: FakeDataPlane = self.server.plane
        _, kind, flags, request_id, _, count, size, _ = header
        plane.seen.append((kind, flags, count, size))
        try:
            for frame in self._replies(plane, kind, request_id, count, size, payload):
                self.request.sendall(frame)
        except Refusal as refusal:
            self.request.sendall(fp.pack_frame(kind, request_id, fp.pack_outcome(refusal.outcome), fp.REPLY,
                                               refusal.outcome.code))

    def _replies(self, plane: FakeDataPlane, kind: int, request_id: int, count: int, size: int, payload: bytes):
        def reply(octets: bytes, items: int = 0, record_size: int = 0, more: bool = False) -> bytes:
            return fp.pack_frame(kind, request_id, octets, fp.REPLY | (fp.MORE if more else 0), 0, items, record_size)

        if kind == fp.HELLO:
            if struct.unpack_from("<H", payload)[0] != fp.MAJOR:
                raise Refusal(fp.VERSION_MISMATCH, "frame", f"this data plane speaks version {fp.MAJOR}")
            yield reply(*plane.hello())
        elif kind == fp.UPSERT:
            records = [fp.unpack_record(table, octets) for table, octets in _batch(count, size, payload)]
            yield reply(fp.pack_outcome(plane.upsert(records)))
        elif kind == fp.DELETE:
            keys = [_key(table, octets) for table, octets in _batch(count, size, payload)]
            yield reply(fp.pack_outcome(plane.delete(keys)))
        elif kind == fp.LOOKUP:
            records = plane.lookup(payload)
            if not records:
                raise Refusal(fp.NOT_FOUND, "key", "nothing has this key")
            yield reply(b"".join(
                fp._TRAFFIC.pack(fp.table_of(record), 1, 100, 2, 200) + fp.pack_record(record).ljust(192, b"\0")
                for record in records), len(records), 232)
        elif kind == fp.DUMP:
            yield from self._dump(plane, reply, struct.unpack("<QQ", payload)[0])
        elif kind == fp.STATUS:
            # In two frames, so that clients meet MORE.
            for items, more in ((plane.status[:1], True), (plane.status[1:], False)):
                octets = b"".join(struct.pack("<HH", len(key.encode()), len(value.encode())) + key.encode()
                                  + value.encode() for key, value in items)
                yield reply(octets, len(items), more=more)
        elif kind == fp.COUNTERS:
            items = [(name, value) for name, value in plane.counters.items() if value or payload[0]]
            octets = b"".join(struct.pack("<QH", value, len(name.encode())) + name.encode() for name, value in items)
            yield reply(octets, len(items))
        else:
            raise Refusal(fp.UNSUPPORTED, "frame", f"message type {kind} is not served by this version")

    @staticmethod
    def _dump(plane: FakeDataPlane, reply, wanted: int):
        for number in ORDER:
            if wanted not in (0, number):
                continue
            records = list(plane.tables[number].values())
            for start in range(0, len(records), SLICE):
                octets = [fp.pack_record(record) for record in records[start:start + SLICE]]
                size = max(map(len, octets))
                yield reply(struct.pack("<QQQ", number, start + len(octets), plane.generation)
                            + b"".join(part.ljust(size, b"\0") for part in octets), len(octets), size)
        yield reply(struct.pack("<QQQ", 0, 0, plane.generation))


def _batch(count: int, size: int, payload: bytes) -> List[Tuple[int, bytes]]:
    table = struct.unpack_from("<Q", payload)[0]
    records = fp.split_records(count, size, payload[8:])
    if table:
        return [(table, octets) for octets in records]
    return [(struct.unpack_from("<Q", octets)[0], octets[8:]) for octets in records]


def _key(table: int, octets: bytes) -> Tuple[object, Optional[str]]:
    expect = None
    if table == fp.BINDINGS:
        flags = struct.unpack_from("<I", octets, 4)[0]
        if flags & 512:
            remote = fp.unpack_address(4 if flags & 64 else 6, octets[48:64])
            return fp.Revocation(remote, fp.CACHES[octets[0]] if flags & 1024 else None), None
        if flags & 128:
            expect = fp.unpack_address(4 if flags & 64 else 6, octets[48:64])
        octets = octets[:4] + bytes(4) + octets[8:64]
    if table == fp.PEERS:
        octets = octets[:1] + b"\1" + octets[2:]
    return fp.unpack_record(table, octets), expect


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, plane: FakeDataPlane):
        self.plane = plane
        super().__init__(path, _Connection)


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake fastpath data plane.")
    parser.add_argument("socket")
    parser.add_argument("--role", choices=("lma", "mag"), default="lma")
    arguments = parser.parse_args()
    with Server(arguments.socket, FakeDataPlane(arguments.role)) as server:
        try:
            server.serve_forever()
        finally:
            os.unlink(arguments.socket)


if __name__ == "__main__":
    main()
