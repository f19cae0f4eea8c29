"""The numbers and layouts of docs/CONTROL_PROTOCOL.md, and the errors of a client."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Tuple

MAJOR, MINOR = 1, 1
HEADER = struct.Struct("<IHHIIIHH")
LARGEST_PAYLOAD = 4 << 20
#: Most records in a frame, until HELLO says another number.
MOST_RECORDS = 65536
#: The daemon stops reading a connection that leaves this many replies unread.
MOST_UNREAD = 64

(HELLO, UPSERT, DELETE, LOOKUP, DUMP, STATUS, COUNTERS, BARRIER, PING, TXN_BEGIN, TXN_COMMIT, TXN_ABORT, SYNC_BEGIN,
 SYNC_END, SUBSCRIBE, EVENT, STATS) = range(1, 18)
ATOMIC, QUIESCED, MORE, REPLACE, REPLY = 1, 2, 4, 8, 1 << 15
BINDINGS, TUNNELS, ROUTES, VISITORS, PEERS = 1, 2, 3, 4, 5
TABLES = {"bindings": BINDINGS, "tunnels": TUNNELS, "routes": ROUTES, "visitors": VISITORS, "peers": PEERS}
RECORD_SIZE = {BINDINGS: 192, TUNNELS: 64, ROUTES: 80, VISITORS: 48, PEERS: 32}
#: Octets of a record that hold its key; what else is among them does not belong to it.
KEY_SIZE = {BINDINGS: 64, TUNNELS: 48, ROUTES: 48, VISITORS: 32, PEERS: 32}
CACHES = ("pmip", "mip")
STATES = ("active", "pending", "deregistering", "redirecting", "buffering", "flushing", "relaying")
PEER_STATES = (None, "failed", "alive")
STATUS_TEXT = (
    "ok", "malformed", "unsupported", "version mismatch", "too large", "not permitted", "invalid", "stale", "not found",
    "table full", "unavailable", "conflict", "internal failure", "HELLO required")
(OK, MALFORMED, UNSUPPORTED, VERSION_MISMATCH, TOO_LARGE, NOT_PERMITTED, INVALID, STALE, NOT_FOUND, FULL, UNAVAILABLE,
 CONFLICT, INTERNAL_FAILURE, HELLO_REQUIRED) = range(14)
NO_INDEX = 0xFFFFFFFF
#: Kinds of events by the names that SUBSCRIBE takes here; "expired" are bindings and localized routes.
EVENT_KINDS = {
    "overflow": 0, "changed": 1, "expired": 2, "unbound": 3, "unknown-source": 4, "path-mtu": 5, "neighbor-lost": 6,
    "port": 7, "buffer-overflow": 8, "table-nearly-full": 9, "peer": 10, "flushed": 11, "bulk": 12}

ADDRESS = struct.Struct("16s")
BINDING_HEAD = struct.Struct("<BBBBIII16s16s16s")
BINDING_ACCESS = struct.Struct("<16s6sHII")
BINDING_PEER = struct.Struct("<16s16s")
TUNNEL = struct.Struct("<BBBBIHBBI16s16s16s")
ROUTE = struct.Struct("<BBBBIII16s16s16s16s")
VISITOR = struct.Struct("<BBHIQ16s16s")
PEER = struct.Struct("<BB14s16s")
OUTCOME = struct.Struct("<IIIIIHHQ")
HELLO_REQUEST = struct.Struct("<HHIHH")
HELLO_REPLY = struct.Struct("<HHBBH16sQII")
HELLO_TABLE = struct.Struct("<HHIQQQ")
TRAFFIC = struct.Struct("<QQQQQ")
#: A table number and reserved octets: UPSERT, DELETE, TXN_BEGIN, SYNC_BEGIN, and the tag of a mixed record.
TABLE = struct.Struct("<HHI")
COMMIT = struct.Struct("<QII")
EVENT_HEAD = struct.Struct("<QQHHI")
STATS_REPLY = struct.Struct("<QII")
STATS_HEAD = struct.Struct("<8sIIQQQQ16s")
STATS_ITEM = struct.Struct("<IHHQ")
STATS_MAGIC = b"FPSTATS\0"


class Header(NamedTuple):
    """The 24 octets before a payload."""

    length: int
    kind: int
    flags: int
    request_id: int
    status: int
    count: int  # type: ignore[assignment]  # the specification's word, which hides a method of tuples
    record_size: int
    reserved: int = 0


class ProtocolError(Exception):
    """The peer sent something that is not the protocol, or the connection ended."""


@dataclass
class Outcome:
    """What became of a request."""

    applied: int = 0
    unchanged: int = 0
    failed: int = 0
    index: Optional[int] = None
    code: int = OK
    field: str = ""
    rule: str = ""
    generation: int = 0

    @property
    def removed(self) -> int:
        """Of a commit, or of the end of a synchronisation, which have no records that could fail: the same octets."""
        return self.failed


class Refused(Exception):
    """A reply with a status other than ok."""

    def __init__(self, status: int, outcome: Outcome):
        self.status, self.outcome = status, outcome
        name = STATUS_TEXT[status] if status < len(STATUS_TEXT) else f"status {status}"
        where = "" if outcome.index is None else f" record {outcome.index}:"
        super().__init__(f"{name}:{where} {outcome.field}: {outcome.rule}")


def unpack(layout: struct.Struct, octets: bytes, offset: int = 0) -> Tuple[Any, ...]:
    """`unpack_from` whose failure is one of the protocol."""
    try:
        return layout.unpack_from(octets, offset)
    except struct.error:
        raise ProtocolError(f"{len(octets)} octets are too few: {offset + layout.size} are needed") from None


__all__ = [
    "MAJOR", "MINOR", "HEADER", "LARGEST_PAYLOAD", "MOST_RECORDS", "MOST_UNREAD", "HELLO", "UPSERT", "DELETE",
    "LOOKUP", "DUMP", "STATUS", "COUNTERS", "BARRIER", "PING", "TXN_BEGIN", "TXN_COMMIT", "TXN_ABORT", "SYNC_BEGIN",
    "SYNC_END", "SUBSCRIBE", "EVENT", "STATS", "ATOMIC", "QUIESCED", "MORE", "REPLACE", "REPLY", "BINDINGS",
    "TUNNELS", "ROUTES", "VISITORS", "PEERS", "TABLES", "RECORD_SIZE", "KEY_SIZE", "CACHES", "STATES",
    "PEER_STATES", "STATUS_TEXT", "OK", "MALFORMED", "UNSUPPORTED", "VERSION_MISMATCH", "TOO_LARGE",
    "NOT_PERMITTED", "INVALID", "STALE", "NOT_FOUND", "FULL", "UNAVAILABLE", "CONFLICT", "INTERNAL_FAILURE",
    "HELLO_REQUIRED", "NO_INDEX", "EVENT_KINDS", "ADDRESS", "BINDING_HEAD", "BINDING_ACCESS", "BINDING_PEER",
    "TUNNEL", "ROUTE", "VISITOR", "PEER", "OUTCOME", "HELLO_REQUEST", "HELLO_REPLY", "HELLO_TABLE", "TRAFFIC",
    "TABLE", "COMMIT", "EVENT_HEAD", "STATS_REPLY", "STATS_HEAD", "STATS_ITEM", "STATS_MAGIC", "unpack",
]
