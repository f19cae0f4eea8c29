"""The client: one connection, one method for each thing to ask."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Deque, Dict, Iterator, List, Optional, Sequence, Tuple, Type, Union

from . import protocol as wire
from .bulk import PackedRecords
from .connection import Connection
from .frames import (
    Entry, Event, Hello, join_records, pack_hello, pack_lookup, unpack_counters, unpack_entries, unpack_hello_reply,
    unpack_outcome, unpack_slice, unpack_status)
from .packing import pack_item, pack_record, table_of
from .protocol import EVENT_KINDS, STATS_REPLY, TABLE, TABLES, Header, Outcome, ProtocolError, Refused
from .records import Key, Record, Revocation
from .sessions import Subscription, Synchronization, Transaction
from .statistics import Statistics


class Client:
    """One connection to a daemon. Not for several threads at once: give each its own.

    `owner` tags the entries: a control daemon takes a number other than 0, which is the command line's, and keeps it.
    """

    def __init__(self, path: str, owner: int = 0, name: str = "python", timeout: float = 60.0):
        self._owner, self._name = owner, name
        self._connection = Connection(path, timeout)
        try:
            #: what the daemon said of itself
            self.hello: Hello = self.refresh()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def fileno(self) -> int:
        """For `select`: readable when the daemon said something, e.g. an event; see `next_event(0)`."""
        return self._connection.fileno()

    def refresh(self) -> Hello:
        """Says HELLO (again): generation, entries and digests as they are now."""
        header, payload = self._ask(wire.HELLO, pack_hello(self._owner, self._name))
        self.hello = unpack_hello_reply(header.count, header.record_size, payload)
        return self.hello

    def upsert(self, records: Sequence[Record], atomic: bool = False, quiesced: bool = False) -> Outcome:
        """Sets records. Raises `Refused` when one failed; with `atomic` nothing was applied then."""
        return self._batch(wire.UPSERT, [(table_of(record), pack_record(record)) for record in records], atomic,
                           quiesced)

    def delete(self, keys: Sequence[Union[Key, Record, Revocation]], atomic: bool = False,
               quiesced: bool = False) -> Outcome:
        """Deletes by key; `unchanged` counts what was absent."""
        return self._batch(wire.DELETE, [pack_item(key) for key in keys], atomic, quiesced)

    def upsert_many(self, records: Sequence[Record], per_frame: int = 2048) -> Outcome:
        """Sets any number of records in pipelined frames, each atomic; raises at the first refused one."""
        table, size, octets = join_records([(table_of(record), pack_record(record)) for record in records])
        return self.load_packed(PackedRecords(table, size, octets), per_frame, atomic=True)

    def load_packed(self, packed: PackedRecords, per_frame: int = 2048, atomic: bool = False) -> Outcome:
        """Sets packed records in pipelined frames, from memory as it is: the fastest way to say very many.

        Raises `Refused` at the first refused one; `outcome.index` counts from the first record of all.
        """
        size, view = packed.record_size, memoryview(packed.octets).cast("B")
        per_frame = max(1, min(per_frame, self.hello.records_per_frame,
                               (self.hello.largest_payload - TABLE.size) // max(1, size)))
        prelude, waiting = TABLE.pack(packed.table, 0, 0), _Waiting(self._connection, self.hello.generation)
        for start in range(0, packed.count, per_frame):
            count = min(per_frame, packed.count - start)
            request = self._connection.send(
                wire.UPSERT, prelude, view[start * size:(start + count) * size], flags=wire.ATOMIC if atomic else 0,
                count=count, record_size=size)
            waiting.add(request, start)
            waiting.collect(all_of_them=False)
            if waiting.refusal:
                break
        waiting.collect(all_of_them=True)
        if waiting.refusal:
            raise waiting.refusal
        return waiting.total

    def replace(self, table: Optional[str] = None) -> Transaction:
        """A transaction for the whole content of a table ("bindings", …) or of all."""
        return Transaction(self, TABLES[table] if table else 0)

    def sync(self, table: Optional[str] = None) -> Synchronization:
        """A synchronisation of this owner's entries in a table, or in all."""
        return Synchronization(self, TABLES[table] if table else 0)

    def barrier(self) -> Outcome:
        """Returns when no packet anywhere uses anything older than what this connection has set."""
        return self.request(wire.BARRIER)

    def ping(self, octets: bytes = b"") -> bytes:
        """Up to 8 octets there and back."""
        return self._ask(wire.PING, octets)[1]

    def subscribe(self, *kinds: str, timeout: Optional[float] = None) -> Subscription:
        """Events of these kinds (names of EVENT_KINDS; all, if none is given), to iterate over."""
        mask = sum({1 << EVENT_KINDS[kind] for kind in kinds or EVENT_KINDS})
        self._connection.events.clear()
        self.request(wire.SUBSCRIBE, mask.to_bytes(8, "little"))
        return Subscription(self, timeout)

    def unsubscribe(self) -> None:
        """Ends the subscription."""
        self.request(wire.SUBSCRIBE, bytes(8))
        self._connection.events.clear()

    def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event of the subscription; None when none comes for so many seconds."""
        return self._connection.next_event(timeout)

    def stats(self) -> Statistics:
        """The area of counters that the daemon refreshes; reading it asks nothing of the daemon."""
        self._connection.expect_descriptor()
        _, payload = self._ask(wire.STATS)
        size, version, _ = wire.unpack(STATS_REPLY, payload)
        descriptor = self._connection.descriptor()
        if version != 1:
            raise ProtocolError(f"the statistics have layout {version}, which this client does not know")
        return Statistics(descriptor, size)

    def lookup(self, key: str) -> List[Entry]:
        """Entries for an address (longest match), a prefix, `LOCAL,REMOTE` or `FROM,TO`; [] when there is none."""
        try:
            header, payload = self._ask(wire.LOOKUP, pack_lookup(key))
        except Refused as refusal:
            if refusal.status == wire.NOT_FOUND:
                return []
            raise
        return unpack_entries(header.count, header.record_size, payload)

    def dump(self, table: Optional[str] = None, cookie: int = 0) -> Iterator[Record]:
        """Every record, in slices; do not use the connection for anything else before the last one."""
        request = self._connection.send(wire.DUMP, TABLE.pack(TABLES[table] if table else 0, 0, 0)
                                        + cookie.to_bytes(8, "little"))
        while True:
            header, payload = self._connection.reply(request)
            if header.count == 0:
                return
            yield from unpack_slice(header.count, header.record_size, payload)[3]

    def status(self) -> Dict[str, str]:
        """What `fastpathctl status` shows, by key."""
        return dict(item for header, payload in self._parts(wire.STATUS)
                    for item in unpack_status(header.count, payload))

    def counters(self, all: bool = False) -> Dict[str, int]:
        """The counters that are not 0, or all."""
        return {name: value for header, payload in self._parts(wire.COUNTERS, bytes([all, 0, 0, 0]))
                for name, value in unpack_counters(header.count, payload).items()}

    def request(self, kind: int, payload: bytes = b"", flags: int = 0) -> Outcome:
        """One request that is answered by an outcome."""
        return unpack_outcome(self._ask(kind, payload, flags)[1])

    def _ask(self, kind: int, payload: bytes = b"", flags: int = 0) -> Tuple[Header, bytes]:
        return self._connection.reply(self._connection.send(kind, payload, flags=flags))

    def _parts(self, kind: int, payload: bytes = b"") -> Iterator[Tuple[Header, bytes]]:
        request = self._connection.send(kind, payload)
        while True:
            header, octets = self._connection.reply(request)
            yield header, octets
            if not header.flags & wire.MORE:
                return

    def _batch(self, kind: int, items: Sequence[Tuple[int, bytes]], atomic: bool, quiesced: bool) -> Outcome:
        table, size, octets = join_records(items)
        flags = (wire.ATOMIC if atomic else 0) | (wire.QUIESCED if quiesced else 0)
        request = self._connection.send(kind, TABLE.pack(table, 0, 0), octets, flags=flags, count=len(items),
                                        record_size=size)
        return unpack_outcome(self._connection.reply(request)[1])


class _Waiting:
    """Requests of a stream that are not answered yet; the first refusal is kept, with its index in the whole stream."""

    def __init__(self, connection: Connection, generation: int):
        self.refusal: Optional[Refused] = None
        self.total = Outcome(generation=generation)
        self._connection = connection
        self._requests: Deque[Tuple[int, int]] = deque()

    def add(self, request: int, start: int) -> None:
        self._requests.append((request, start))

    def collect(self, all_of_them: bool) -> None:
        """Takes the replies that are there, or waits for all."""
        while self._requests and (all_of_them or self._connection.has_reply()):
            request, start = self._requests.popleft()
            try:
                outcome = unpack_outcome(self._connection.reply(request)[1])
            except Refused as refusal:
                outcome = refusal.outcome
                if outcome.index is not None:
                    outcome.index += start
                self.refusal = self.refusal or Refused(refusal.status, outcome)
            self.total.applied += outcome.applied
            self.total.unchanged += outcome.unchanged
            self.total.generation = max(self.total.generation, outcome.generation)
