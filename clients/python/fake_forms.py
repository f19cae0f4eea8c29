"""What is wrong with a record in itself, whatever the tables have, as the fake data plane judges it."""

from __future__ import annotations

import ipaddress
import struct
from typing import Optional, Tuple

import fastpath_client as fp

Wrong = Optional[Tuple[str, str]]
#: Where the prefixes of a record are: family, length, address.
_PREFIXES = {fp.BINDINGS: [(1, 2, 16)], fp.ROUTES: [(0, 1, 16), (2, 3, 32)], fp.VISITORS: [(0, 1, 16)]}
#: Octets of a key: so many from the first one, and from octet 16 to this one.
_KEYS = {fp.BINDINGS: (3, 32), fp.TUNNELS: (1, 48), fp.ROUTES: (4, 48), fp.VISITORS: (2, 32), fp.PEERS: (1, 32)}
#: Bits that a flag word may have where a key is meant; a binding's whole record may be sent, and `expect`.
_FLAGS = {fp.BINDINGS: 0x1FF, fp.TUNNELS: 0xFF, fp.ROUTES: 7}
EXPECT, REMOTE, CACHE, IPV4 = 128, 512, 1024, 64


def read_record(table: int, octets: bytes) -> fp.Record:
    """The record; one that says in octets what it does not say in fields is refused."""
    record = fp.unpack_record(table, octets)
    size = fp.RECORD_SIZE[table]
    whole = octets[:size].ljust(size, b"\0")
    _check_prefixes(table, whole)
    if fp.pack_record(record).ljust(size, b"\0") != whole:
        raise fp.ProtocolError("a family, flag or reserved octet is not of this version, or a value lacks its flag")
    return record


def read_key(table: int, octets: bytes) -> fp.Record:
    """A record with the key of this one; other fields are not read."""
    if any(octets[fp.RECORD_SIZE[table]:]):
        raise fp.ProtocolError("a record continues with something this version does not know")
    if flags_of(table, octets) & ~_FLAGS.get(table, 0):
        raise fp.ProtocolError("flags: unknown bit set")
    first, end = _KEYS[table]
    key = octets.ljust(end, b"\0")
    # A peer's state is no part of its key, and there is none without.
    head = key[:first] + (b"\1" if table == fp.PEERS else b"")
    return read_record(table, head.ljust(16, b"\0") + key[16:end])


def read_revocation(octets: bytes) -> fp.Revocation:
    """What a binding's key with flag 9 names; no prefix may be there."""
    octets = octets.ljust(64, b"\0")
    flags = flags_of(fp.BINDINGS, octets)
    if flags & ~(REMOTE | CACHE | IPV4):
        raise fp.ProtocolError("flags: unknown bit set")
    if any(octets[1:4]) or any(octets[8:48]) or octets[0] >= (len(fp.CACHES) if flags & CACHE else 1):
        raise fp.ProtocolError("prefix: must be zero where every binding of a remote is meant")
    remote = fp.unpack_address(4 if flags & IPV4 else 6, octets[48:64])
    return fp.Revocation(remote, fp.CACHES[octets[0]] if flags & CACHE else None)


def flags_of(table: int, octets: bytes) -> int:
    """The flag word of the records that have one."""
    flags: int = struct.unpack_from("<I", octets.ljust(8, b"\0"), 4)[0] if table in _FLAGS else 0
    return flags


def wrong_value(record: fp.Record) -> Wrong:
    """The field and rule of a value that no table could take."""
    if isinstance(record, (fp.Binding, fp.Tunnel)):
        if record.local == record.remote:
            return "tunnel.remote", "must differ from local"
        if any(ipaddress.ip_address(end).is_unspecified for end in (record.local, record.remote)):
            return "tunnel", "must not be the unspecified address"
    if isinstance(record, fp.Binding):
        if record.state in ("redirecting", "relaying") and record.peer is None:
            return "peer", f"is required in state {record.state}"
        if record.mac is not None and (int(record.mac[:2], 16) & 1 or not record.mac.strip("0:")):
            return "access.mac", "must be a unicast address"
    elif isinstance(record, fp.Tunnel):
        ranges = (("hopLimit", record.hop_limit, 1, 255), ("ecn", record.ecn, 0, 3),
                  ("mtu", record.mtu or None, 68, 65535), ("dscp", record.dscp, -2, 63))
        for name, value, least, most in ranges:
            if value is not None and not least <= value <= most:
                return name, f"must be {least} to {most}"
    return None


def _check_prefixes(table: int, octets: bytes) -> None:
    for family, length, start in _PREFIXES.get(table, []):
        bits = 32 if octets[family] == 4 else 128
        rest = bits - octets[length]
        if rest < 0 or int.from_bytes(octets[start:start + bits // 8], "big") & ((1 << rest) - 1):
            raise fp.ProtocolError("prefix: bits after the prefix length must be zero")
