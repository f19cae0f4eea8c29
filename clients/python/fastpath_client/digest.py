"""The digest of a table's content, as HELLO says it: what is there is compared without reading it."""

from __future__ import annotations

import zlib
from typing import Iterable

from .packing import pack_record, table_of
from .protocol import BINDINGS, ROUTES, STATES, TUNNELS
from .records import Record

_ODD = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def digest(records: Iterable[Record]) -> int:
    """Of the records of one table, one for each key, in any order; not of tunnels that were never set."""
    total = 0
    for record in records:
        product = zlib.crc32(_normal(table_of(record), pack_record(record))) * _ODD & _MASK
        total += product ^ product >> 32
    return total & _MASK


def _normal(table: int, octets: bytes) -> bytes:
    """Without what changes by itself: lifetime, users, the end of `flushing`; without trailing zeros."""
    changed = bytearray(octets)
    if table in (BINDINGS, ROUTES):
        changed[8:12] = bytes(4)
    if table == TUNNELS:
        changed[12:16] = bytes(4)
    if table == BINDINGS and changed[3] == STATES.index("flushing"):
        changed[3] = STATES.index("active")
    return bytes(changed).rstrip(b"\0")
