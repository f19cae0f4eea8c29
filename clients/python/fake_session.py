"""One connection of the fake data plane: what it asks, and what is open on it."""

from __future__ import annotations

import socket
import struct
import zlib
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Optional, Tuple

import fastpath_client as fp
from fake_outbox import Outbox
from fake_requests import check_form, keys_of, records_of, tables_of
from fake_tables import Refusal

if TYPE_CHECKING:
    from fake_dataplane import FakeDataPlane

SLICE = 1000
TRANSACTIONS = 2
_WRITES = (fp.UPSERT, fp.DELETE, fp.TXN_BEGIN, fp.TXN_COMMIT, fp.TXN_ABORT, fp.SYNC_BEGIN, fp.SYNC_END)
Frames = Iterator[bytes]


class Session:
    """Executes one request after the other."""

    def __init__(self, plane: "FakeDataPlane", outbox: Outbox, connection: socket.socket):
        self._plane, self._outbox, self._connection = plane, outbox, connection
        self._has_greeted = False
        #: tables, records and CRC of the transaction
        self._aside: Optional[Tuple[Tuple[int, ...], List[fp.Record], int]] = None
        #: tables and number of the synchronisation
        self._sync: Optional[Tuple[Tuple[int, ...], int]] = None
        self._header = fp.Header(0, 0, 0, 0, 0, 0, 0)
        #: the descriptor that goes with the next reply
        self._attached = -1
        self._serves: Dict[int, Callable[[bytes], Frames]] = {
            fp.HELLO: self._hello, fp.UPSERT: self._upsert, fp.DELETE: self._delete, fp.LOOKUP: self._lookup,
            fp.DUMP: self._dump, fp.STATUS: self._status, fp.COUNTERS: self._counters, fp.BARRIER: self._barrier,
            fp.PING: self._ping, fp.TXN_BEGIN: self._begin, fp.TXN_COMMIT: self._commit, fp.TXN_ABORT: self._abort,
            fp.SYNC_BEGIN: self._sync_begin, fp.SYNC_END: self._sync_end, fp.SUBSCRIBE: self._subscribe,
            fp.STATS: self._statistics}

    def serve(self, header: fp.Header, payload: bytes) -> bool:
        """Answers one request. Whether the connection lives on."""
        self._header = header
        try:
            with self._plane.lock:
                self._plane.seen.append((header.kind, header.flags, header.count, header.record_size))
                self._check(payload)
                frames = list(self._serves[header.kind](payload)) if header.kind != fp.DUMP else None
            for frame in self._serves[fp.DUMP](payload) if frames is None else frames:
                self._outbox.reply(frame, self._attached)
                self._attached = -1
        except Refusal as refusal:
            self._outbox.reply(self._frame(fp.pack_outcome(refusal.outcome), status=refusal.outcome.code))
        except fp.ProtocolError as error:
            outcome = fp.Outcome(code=fp.MALFORMED, field="frame", rule=str(error))
            self._outbox.reply(self._frame(fp.pack_outcome(outcome), status=fp.MALFORMED))
        return self._has_greeted and header.length <= fp.LARGEST_PAYLOAD

    def busy(self) -> bytes:
        """What a connection gets that is one too many."""
        outcome = fp.Outcome(code=fp.UNAVAILABLE, field="frame",
                             rule=f"{self._plane.most_connections} connections are open")
        return fp.pack_frame(fp.HELLO, 0, fp.pack_outcome(outcome), fp.REPLY, fp.UNAVAILABLE)

    def end(self) -> None:
        """The connection is gone: its transaction is aborted."""
        self._plane.transactions -= 1 if self._aside else 0
        self._aside = None

    def _check(self, payload: bytes) -> None:
        header = self._header
        if not self._has_greeted and header.kind != fp.HELLO:
            raise Refusal(fp.HELLO_REQUIRED, "frame", "the first frame must be HELLO")
        if header.length > fp.LARGEST_PAYLOAD:
            raise Refusal(fp.TOO_LARGE, "frame", f"a payload of {header.length} octets is above the limit")
        if header.kind not in self._serves:
            raise Refusal(fp.UNSUPPORTED, "frame", f"message type {header.kind} is not served by this version")
        if self._plane.access == "read" and header.kind in _WRITES:
            raise Refusal(fp.NOT_PERMITTED, "frame", "this peer may read; only root and the socket's group may write")
        check_form(header, payload)

    def _frame(self, payload: bytes, count: int = 0, size: int = 0, flags: int = 0, status: int = fp.OK) -> bytes:
        return fp.pack_frame(self._header.kind, self._header.request_id, payload, fp.REPLY | flags, status, count, size)

    def _outcome(self, outcome: Optional[fp.Outcome] = None) -> bytes:
        outcome = outcome or fp.Outcome(generation=self._plane.generation)
        return self._frame(fp.pack_outcome(outcome), status=outcome.code)

    @property
    def _is_atomic(self) -> bool:
        return bool(self._header.flags & fp.ATOMIC)

    def _hello(self, payload: bytes) -> Frames:
        major, _, owner, length, reserved = fp.unpack(fp.HELLO_REQUEST, payload)
        if major != fp.MAJOR:
            raise Refusal(fp.VERSION_MISMATCH, "major", f"version {major} is not {fp.MAJOR}")
        if reserved or length > 255 or len(payload) != fp.HELLO_REQUEST.size + length:
            raise Refusal(fp.MALFORMED, "frame", "a reserved octet is not zero, or the name not as long as it may be")
        if self._has_greeted and owner != self._outbox.owner:
            raise Refusal(fp.CONFLICT, "owner", f"this connection is owner {self._outbox.owner}'s")
        self._has_greeted, self._outbox.owner = True, owner
        plane, version = self._plane, b"fake 1.1"
        octets = fp.HELLO_REPLY.pack(fp.MAJOR, fp.MINOR, 1 if plane.access == "read" else 2,
                                     1 if plane.role == "lma" else 2, len(version), plane.boot_id, plane.generation,
                                     fp.LARGEST_PAYLOAD, fp.MOST_RECORDS)
        for number, size in fp.RECORD_SIZE.items():
            octets += fp.HELLO_TABLE.pack(number, size, int(plane.has_stale(number)), len(plane.tables[number]),
                                          1 << 24, plane.digests[number])
        yield self._frame(octets + version, len(fp.RECORD_SIZE), fp.HELLO_TABLE.size)

    def _ping(self, payload: bytes) -> Frames:
        if len(payload) > 8:
            raise Refusal(fp.MALFORMED, "frame", "a PING carries 8 octets at most")
        yield self._frame(payload)

    def _barrier(self, _: bytes) -> Frames:
        yield self._outcome()

    def _upsert(self, payload: bytes) -> Frames:
        records = records_of(self._header, payload)
        if self._aside is None:
            yield self._outcome(self._plane.upsert(records, self._outbox.owner, self._is_atomic))
            return
        tables, aside, crc = self._aside
        for index, record in enumerate(records):
            if fp.table_of(record) not in tables:
                raise Refusal(fp.INVALID, "table", "the transaction does not replace this table", index)
        self._plane.check_all(records)
        aside += records
        self._aside = tables, aside, zlib.crc32(payload[fp.TABLE.size:], crc)
        yield self._outcome(fp.Outcome(applied=len(records), generation=self._plane.generation))

    def _delete(self, payload: bytes) -> Frames:
        if self._aside is not None:
            raise Refusal(fp.CONFLICT, "frame", "a transaction that replaces has nothing to delete")
        keys = keys_of(self._header, payload)
        yield self._outcome(self._plane.delete(keys, self._outbox.owner, self._is_atomic))

    def _begin(self, payload: bytes) -> Frames:
        if self._header.flags != fp.REPLACE:
            raise Refusal(fp.UNSUPPORTED, "header.flags", "a transaction needs REPLACE")
        tables = tables_of(payload)
        if self._aside is not None:
            raise Refusal(fp.CONFLICT, "transaction", "one is open on this connection")
        if self._sync is not None and self._sync[1] == self._plane.sync_number(self._outbox.owner):
            raise Refusal(fp.CONFLICT, "transaction", "a synchronisation is open on this connection")
        if self._plane.transactions >= TRANSACTIONS:
            raise Refusal(fp.UNAVAILABLE, "transaction", f"{TRANSACTIONS} are open")
        self._plane.transactions += 1
        self._aside = tables, [], 0
        yield self._outcome()

    def _commit(self, payload: bytes) -> Frames:
        tables, records, crc = self._take_aside()
        count, said, _ = fp.unpack(fp.COMMIT, payload)
        if count != len(records):
            raise Refusal(fp.CONFLICT, "count", f"{count} records were said, {len(records)} came")
        if crc != said:
            raise Refusal(fp.CONFLICT, "digest", "the records that came are not those that were said")
        yield self._outcome(self._plane.replace(tables, records, self._outbox.owner))

    def _abort(self, _: bytes) -> Frames:
        self._take_aside()
        yield self._outcome()

    def _take_aside(self) -> Tuple[Tuple[int, ...], List[fp.Record], int]:
        if self._aside is None:
            raise Refusal(fp.CONFLICT, "transaction", "none is open on this connection")
        aside = self._aside
        self.end()
        return aside

    def _sync_begin(self, payload: bytes) -> Frames:
        tables = tables_of(payload)
        if self._aside is not None:
            raise Refusal(fp.CONFLICT, "transaction", "one is open on this connection")
        self._plane.begin_sync(tables, self._outbox.owner)
        self._sync = tables, self._plane.sync_number(self._outbox.owner)
        yield self._outcome()

    def _sync_end(self, payload: bytes) -> Frames:
        if self._sync is None or self._sync[1] != self._plane.sync_number(self._outbox.owner):
            raise Refusal(fp.CONFLICT, "synchronisation", "none of this connection is open")
        outcome = self._plane.end_sync(self._sync[0], self._outbox.owner, int.from_bytes(payload, "little"))
        self._sync = None
        yield self._outcome(outcome)

    def _subscribe(self, payload: bytes) -> Frames:
        mask = int.from_bytes(payload, "little")
        if mask >> len(fp.EVENT_KINDS):
            raise Refusal(fp.MALFORMED, "mask", "an unknown bit is set")
        self._outbox.subscribe(self._header.request_id, mask, self._outcome())
        return iter(())

    def _statistics(self, _: bytes) -> Frames:
        area = self._plane.statistics()
        self._attached = area.descriptor
        yield self._frame(fp.STATS_REPLY.pack(area.size, 1, 0))

    def _lookup(self, payload: bytes) -> Frames:
        kind, family, length, second_length, _, first, second = struct.unpack("<BBBBI16s16s", payload)
        one, other = fp.unpack_address(family, first), fp.unpack_address(family, second)
        records = self._plane.lookup(kind, one, other, length, second_length)
        if not records:
            raise Refusal(fp.NOT_FOUND, "key", "nothing has this key")
        yield self._frame(b"".join(
            fp.TRAFFIC.pack(fp.table_of(record), 1, 100, 2, 200) + fp.pack_record(record).ljust(192, b"\0")
            for record in records), len(records), 232)

    def _dump(self, payload: bytes) -> Frames:
        tables, generation = tables_of(payload[:8]), self._plane.generation
        # The cookie is a table and the number of its last entry that was sent.
        first, last = divmod(int.from_bytes(payload[8:], "little"), 1 << 56)
        if first and first not in tables:
            raise Refusal(fp.INVALID, "cookie", "no dump of this table gave out this cookie")
        for number in tables[tables.index(first) if first else 0:]:
            with self._plane.lock:
                entries = self._plane.entries_after(number, last if number == first else 0)
            for start in range(0, len(entries), SLICE):
                part = entries[start:start + SLICE]
                octets = [fp.pack_record(record) for _, record in part]
                size = max(map(len, octets))
                yield self._frame(struct.pack("<QQQ", number, number << 56 | part[-1][0], generation)
                                  + b"".join(one.ljust(size, b"\0") for one in octets), len(octets), size)
        yield self._frame(struct.pack("<QQQ", 0, 0, generation))

    def _status(self, _: bytes) -> Frames:
        # In two frames, so that clients meet MORE.
        status = self._plane.status
        yield self._frame(fp.pack_items(status[:1]), len(status[:1]), flags=fp.MORE)
        yield self._frame(fp.pack_items(status[1:]), len(status[1:]))

    def _counters(self, payload: bytes) -> Frames:
        items = [(name, value) for name, value in self._plane.counters.items() if value or payload[0]]
        octets = b"".join(struct.pack("<QH", value, len(name.encode())) + name.encode() for name, value in items)
        yield self._frame(octets, len(items))
