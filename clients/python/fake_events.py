"""What happens in the fake data plane, in the words of EVENT."""

from __future__ import annotations

from typing import List, Tuple

import fastpath_client as fp

Items = List[Tuple[str, str]]


class News:
    """The changes of one operation by one owner; `operation` names them when they are too many to tell one by one."""

    def __init__(self, operation: str, owner: int):
        self.operation, self.owner = operation, owner
        self.changes: List[Items] = []

    def add(self, items: Items) -> None:
        """One more change."""
        self.changes.append([("event", "changed")] + items)

    def bulk(self) -> Items:
        """All of them as one event."""
        return [("event", "bulk"), ("operation", self.operation), ("owner", str(self.owner)),
                ("count", str(len(self.changes)))]


def key_items(record: fp.Record) -> Items:
    """The key of a record by the names of its JSON form."""
    if isinstance(record, fp.Binding):
        return [("table", record.table), ("prefix", record.prefix)]
    if isinstance(record, fp.Tunnel):
        return [("tunnel.local", record.local), ("tunnel.remote", record.remote)]
    if isinstance(record, fp.Route):
        return [("route.from", record.source), ("route.to", record.destination)]
    if isinstance(record, fp.Visitor):
        return [("visitor", record.prefix)]
    return [("peer", record.address)]


def record_items(record: fp.Record) -> Items:
    """All that was given of a record."""
    items = key_items(record)
    if isinstance(record, fp.Binding):
        items += [("tunnel.local", record.local), ("tunnel.remote", record.remote), ("state", record.state)]
        items += _given([
            ("lifetime", record.lifetime or None), ("mn", record.mn or None), ("access.port", record.port),
            ("access.mac", record.mac), ("access.vlan", record.vlan or None), ("greKey.up", record.gre_up),
            ("greKey.down", record.gre_down), ("localRouting", record.local_routing),
            ("requireEsp", record.require_esp or None)])
        items += _ends("peer", record.peer)
    elif isinstance(record, fp.Tunnel):
        limit = "none" if record.encapsulation_limit == -1 else record.encapsulation_limit
        dscp = {-1: "copy", -2: "uniform"}.get(-3 if record.dscp is None else record.dscp, record.dscp)
        items += _given([
            ("static", record.static or None), ("hopLimit", record.hop_limit),
            ("mtu", "auto" if record.mtu == 0 else record.mtu), ("encapsulationLimit", limit), ("dscp", dscp),
            ("ecn", (None, "rfc6040", "compatibility", "rfc5213-strict")[record.ecn])])
    elif isinstance(record, fp.Route):
        items += _ends("via", record.via) or [("via", "local")]
        items += _given([("receiveOnly", record.receive_only or None), ("lifetime", record.lifetime or None)])
    elif isinstance(record, fp.Visitor):
        items.append(("port", record.port))
    else:
        items.append(("state", record.state))
    return items


def _given(fields: List[Tuple[str, object]]) -> Items:
    words = {True: "true", False: "false"}
    return [(name, words[value] if isinstance(value, bool) else str(value))
            for name, value in fields if value is not None]


def _ends(name: str, tunnel: object) -> Items:
    return [(f"{name}.{end}", address) for end, address in zip(("local", "remote"), tunnel)] if isinstance(
        tunnel, tuple) else []
