"""Payloads of requests, as the fake data plane reads them."""

from __future__ import annotations

import struct
from typing import List, Tuple

import fastpath_client as fp
from fake_tables import ORDER, Deletion, Refusal


def batch(header: fp.Header, payload: bytes) -> List[Tuple[int, bytes]]:
    """Table and octets of each record of an UPSERT or DELETE."""
    table = fp.unpack(fp.TABLE, payload)[0]
    records = fp.split_records(header.count, header.record_size, payload[fp.TABLE.size:])
    if table:
        return [(table, octets) for octets in records]
    return [(fp.unpack(fp.TABLE, octets)[0], octets[fp.TABLE.size:]) for octets in records]


def tables_of(payload: bytes) -> Tuple[int, ...]:
    """The tables that the number in a payload names."""
    number, reserved, more = fp.unpack(fp.TABLE, payload)
    if reserved or more or number not in (0, *ORDER):
        raise Refusal(fp.MALFORMED, "table", f"there is no table {number}")
    return (number,) if number else ORDER


def key_of_record(table: int, octets: bytes) -> Deletion:
    """What a record of a DELETE names."""
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
