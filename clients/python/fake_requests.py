"""Payloads of requests, as the fake data plane reads them."""

from __future__ import annotations

from typing import Callable, List, Tuple, TypeVar

import fastpath_client as fp
from fake_forms import EXPECT, IPV4, REMOTE, flags_of, read_key, read_record, read_revocation
from fake_tables import ORDER, Deletion, Refusal

LARGEST_RECORD = 1024
_FLAGS = {fp.UPSERT: fp.ATOMIC | fp.QUIESCED, fp.DELETE: fp.ATOMIC | fp.QUIESCED, fp.TXN_BEGIN: fp.REPLACE}
_KNOWN_FLAGS = fp.ATOMIC | fp.QUIESCED | fp.MORE | fp.REPLACE | fp.REPLY
#: Octets of the payloads that are always the same.
_SIZES = {fp.LOOKUP: 40, fp.DUMP: 16, fp.STATUS: 0, fp.COUNTERS: 4, fp.BARRIER: 0, fp.TXN_BEGIN: 8, fp.TXN_COMMIT: 16,
          fp.TXN_ABORT: 0, fp.SYNC_BEGIN: 8, fp.SYNC_END: 8, fp.SUBSCRIBE: 8, fp.STATS: 0}
Read = TypeVar("Read")


def check_form(header: fp.Header, payload: bytes) -> None:
    """What a header may say with its type, and how long the payload is where that is always the same."""
    if header.flags & ~_KNOWN_FLAGS:
        raise Refusal(fp.UNSUPPORTED, "frame", f"header.flags {header.flags} has a bit this version does not know")
    if header.flags & ~_FLAGS.get(header.kind, 0) or header.status or header.reserved:
        raise Refusal(fp.MALFORMED, "frame", "a flag or field that must be zero is not")
    if header.kind not in (fp.UPSERT, fp.DELETE) and (header.count or header.record_size):
        raise Refusal(fp.MALFORMED, "frame", "header.count and header.recordSize must be zero")
    if len(payload) != _SIZES.get(header.kind, len(payload)):
        raise Refusal(fp.MALFORMED, "frame", f"the payload must have {_SIZES[header.kind]} octets")


def records_of(header: fp.Header, payload: bytes) -> List[fp.Record]:
    """The records of an UPSERT."""
    return _each(header, payload, read_record)


def keys_of(header: fp.Header, payload: bytes) -> List[Deletion]:
    """What the records of a DELETE name."""
    return _each(header, payload, _key_of_record)


def tables_of(payload: bytes) -> Tuple[int, ...]:
    """The tables that the number in a payload names."""
    number, reserved, more = fp.unpack(fp.TABLE, payload)
    if reserved or more or number not in (0, *ORDER):
        raise Refusal(fp.MALFORMED, "table", f"there is no table {number}")
    return (number,) if number else ORDER


def _each(header: fp.Header, payload: bytes, read: Callable[[int, bytes], Read]) -> List[Read]:
    """What each record says; the first that is malformed in itself is refused, and the frame with it."""
    tables = tables_of(payload)
    if header.count > fp.MOST_RECORDS:
        raise Refusal(fp.TOO_LARGE, "frame", f"{header.count} records are above the limit of {fp.MOST_RECORDS}")
    if header.count and not 0 < header.record_size <= LARGEST_RECORD:
        raise Refusal(fp.MALFORMED, "frame", f"record size {header.record_size} is not in 1…{LARGEST_RECORD}")
    found = []
    for index, octets in enumerate(fp.split_records(header.count, header.record_size, payload[fp.TABLE.size:])):
        try:
            if len(tables) == 1:
                found.append(read(tables[0], octets))
            else:
                found.append(read(_tag(octets), octets[fp.TABLE.size:]))
        except fp.ProtocolError as error:
            raise Refusal(fp.INVALID, "record", str(error), index) from None
    return found


def _tag(octets: bytes) -> int:
    """The table of a record in a mixed frame."""
    table, reserved, more = fp.unpack(fp.TABLE, octets)
    if reserved or more or table not in ORDER or len(octets) == fp.TABLE.size:
        raise fp.ProtocolError("table: not one of this version, or nothing follows it")
    return int(table)


def _key_of_record(table: int, octets: bytes) -> Deletion:
    flags = flags_of(table, octets)
    if table == fp.BINDINGS and flags & REMOTE:
        return read_revocation(octets), None
    record, expect = read_key(table, octets), None
    if table == fp.BINDINGS and flags & EXPECT:
        expect = fp.unpack_address(4 if flags & IPV4 else 6, octets[48:64].ljust(16, b"\0"))
    return record, expect
