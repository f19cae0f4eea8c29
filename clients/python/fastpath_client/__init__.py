"""Dependency-free client of the fastpath table protocol (docs/CONTROL_PROTOCOL.md), Python 3.9 or later.

    from fastpath_client import Binding, Client
    with Client("/run/fastpath/fastpathd.sock", owner=7) as client:
        client.upsert([Binding("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1")], atomic=True)

Addresses and prefixes are text. A refusal raises `Refused`, which names index, field and rule; a broken connection
raises OSError or `ProtocolError`.
"""

from .bulk import PackedRecords, pack_records
from .client import Client
from .connection import Connection
from .digest import digest
from .frames import (
    Entry, Event, Hello, TableState, join_records, pack_batch, pack_event, pack_frame, pack_hello, pack_items,
    pack_lookup, pack_outcome, read_frame, read_header, read_payload, split_records, unpack_counters, unpack_entries,
    unpack_event, unpack_hello_reply, unpack_outcome, unpack_slice, unpack_status)
from .packing import (
    entry_key, pack_address, pack_item, pack_key, pack_record, table_of, unpack_address, unpack_record)
from . import protocol as _protocol
from .protocol import *  # noqa: F401,F403 (the numbers and layouts of the specification)
from .protocol import Header, Outcome, ProtocolError, Refused
from .records import Binding, Key, Peer, Record, Revocation, Route, Tunnel, Visitor
from .sessions import Subscription, Synchronization, Transaction
from .statistics import Statistics

__all__ = [
    "Binding", "Client", "Connection", "digest", "Entry", "entry_key", "Event", "Header", "Hello", "join_records",
    "Key", "Outcome", "pack_address", "pack_batch", "pack_event", "pack_frame", "pack_hello", "pack_item",
    "pack_items", "pack_key", "pack_lookup", "pack_outcome", "pack_record", "pack_records", "PackedRecords", "Peer",
    "ProtocolError", "read_frame", "read_header", "read_payload", "Record", "Refused", "Revocation", "Route",
    "split_records", "Statistics",
    "Subscription", "Synchronization", "table_of", "TableState", "Transaction", "Tunnel", "unpack_address",
    "unpack_counters", "unpack_entries", "unpack_event", "unpack_hello_reply", "unpack_outcome", "unpack_record",
    "unpack_slice", "unpack_status", "Visitor",
]
__all__ += _protocol.__all__
