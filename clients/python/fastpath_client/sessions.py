"""What lasts longer than one request: a transaction, a synchronisation, a subscription."""

from __future__ import annotations

import zlib
from types import TracebackType
from typing import TYPE_CHECKING, Iterator, Optional, Sequence, Set, Type

from .bulk import PackedRecords, entry_keys, pack_records
from .frames import Event
from .packing import entry_key, pack_record, table_of
from .protocol import COMMIT, REPLACE, SYNC_BEGIN, SYNC_END, TABLE, TXN_ABORT, TXN_BEGIN, TXN_COMMIT, Outcome
from .records import Key, Record

if TYPE_CHECKING:
    from .client import Client


class Transaction:
    """Replaces a table, or all, in one step. The end of the `with` block commits, an exception aborts."""

    def __init__(self, client: "Client", table: int):
        #: what the commit did
        self.outcome: Optional[Outcome] = None
        self._client = client
        self._count = self._crc = 0
        self._is_open = True
        client.request(TXN_BEGIN, TABLE.pack(table, 0, 0), flags=REPLACE)

    def upsert(self, records: Sequence[Record]) -> Outcome:
        """Puts records aside; raises `Refused` if one breaks a rule."""
        return self.load_packed(pack_records(records))

    def load_packed(self, packed: PackedRecords, per_frame: int = 2048) -> Outcome:
        """Puts packed records aside."""
        outcome = self._client.load_packed(packed, per_frame)
        self._count += packed.count
        self._crc = zlib.crc32(packed.octets, self._crc)
        return outcome

    def commit(self) -> Outcome:
        """Publishes all as one generation. If it is refused, the tables are as before."""
        self._is_open = False
        self.outcome = self._client.request(TXN_COMMIT, COMMIT.pack(self._count, self._crc, 0))
        return self.outcome

    def abort(self) -> None:
        """Forgets what was put aside."""
        self._is_open = False
        self._client.request(TXN_ABORT)

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if not self._is_open:
            return
        if kind is None:
            self.commit()
        elif not issubclass(kind, OSError):
            # After a failure of the connection itself the daemon aborts by itself.
            try:
                self.abort()
            except Exception:  # the first failure is the one to be told
                pass


class Synchronization:
    """Says all entries of this owner again; the end of the `with` block removes what was not said.

    An exception within leaves everything in place, stale or not. Records of different calls of `load_packed` must
    not share keys, or `end` be given the right count.
    """

    def __init__(self, client: "Client", table: int):
        #: what the end did; `removed` were not said again
        self.outcome: Optional[Outcome] = None
        self._client = client
        self._packed = 0
        self._keys: Set[bytes] = set()
        client.request(SYNC_BEGIN, TABLE.pack(table, 0, 0))

    def upsert(self, records: Sequence[Record]) -> Outcome:
        """Says entries; `unchanged` counts those that were there like this."""
        packed = [(table_of(record), pack_record(record)) for record in records]
        outcome = self._client.upsert_many(records)
        for table, octets in packed:
            if not entry_key(table, octets):
                # A peer that is alive has no entry any more.
                self._keys.discard(entry_key(table, octets[:1] + b"\1" + octets[2:]))
        self._keys |= entry_keys(packed)
        return outcome

    def load_packed(self, packed: PackedRecords, per_frame: int = 2048) -> Outcome:
        """Says packed entries, which must know how many they are."""
        if packed.entries is None:
            raise ValueError("PackedRecords.entries is needed to count what was said")
        outcome = self._client.load_packed(packed, per_frame)
        self._packed += packed.entries
        return outcome

    def delete(self, keys: Sequence[Record]) -> Outcome:
        """Deletes entries that were said meanwhile by `upsert`."""
        outcome = self._client.delete([Key(record) for record in keys])
        for record in keys:
            self._keys.discard(entry_key(table_of(record), pack_record(record)))
        return outcome

    def end(self, count: Optional[int] = None) -> Outcome:
        """Removes what was not said. With a wrong count nothing goes and `Refused` is raised (conflict)."""
        said = self._packed + len(self._keys) if count is None else count
        self.outcome = self._client.request(SYNC_END, said.to_bytes(8, "little"))
        return self.outcome

    def __enter__(self) -> "Synchronization":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None and self.outcome is None:
            self.end()


class Subscription:
    """Events as they come, by iteration. It ends when none came for `timeout` seconds, if that is given."""

    def __init__(self, client: "Client", timeout: Optional[float]):
        self.timeout = timeout
        self._client = client
        self._is_open = True

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self._client.next_event(self.timeout) if self._is_open else None
        if event is None:
            raise StopIteration
        return event

    def close(self) -> None:
        """Ends the subscription."""
        if self._is_open:
            self._is_open = False
            self._client.unsubscribe()
