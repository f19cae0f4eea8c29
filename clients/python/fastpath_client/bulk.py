"""Many records as one piece of memory, for the bulk path: packed once, sent in big pipelined frames without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Set, Tuple, Union

from .frames import join_records
from .packing import entry_key, pack_record, table_of
from .records import Record

Octets = Union[bytes, bytearray, memoryview]


@dataclass(frozen=True)
class PackedRecords:
    """Records of one size, one behind the other, as UPSERT carries them."""

    #: 0: of several tables, each behind its tag
    table: int
    record_size: int
    octets: Octets
    #: How many entries they make: distinct keys, without peers that are alive. `sync` needs it.
    entries: Optional[int] = None

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.octets) // self.record_size if self.record_size else 0


def pack_records(records: Iterable[Record]) -> PackedRecords:
    """Packs records of any tables."""
    items = [(table_of(record), pack_record(record)) for record in records]
    table, size, octets = join_records(items)
    return PackedRecords(table, size, octets, len(entry_keys(items)))


def entry_keys(items: Iterable[Tuple[int, bytes]]) -> Set[bytes]:
    """The keys of the entries that (table, octets) make."""
    keys = {entry_key(table, octets) for table, octets in items}
    keys.discard(b"")
    return keys
