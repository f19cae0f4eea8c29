"""The entries of the tables as a control daemon writes them: addresses and prefixes are text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple, Union


@dataclass(frozen=True)
class Binding:
    """One prefix of one mobile node; `local` and `remote` are the tunnel's ends."""

    prefix: str
    local: str
    remote: str
    table: str = "pmip"
    state: str = "active"
    lifetime: int = 0
    local_routing: Optional[bool] = None
    port: Optional[str] = None
    mac: Optional[str] = None
    vlan: int = 0
    gre_up: Optional[int] = None
    gre_down: Optional[int] = None
    peer: Optional[Tuple[str, str]] = None
    mn: str = ""
    # Of a Mobile IPv6 binding: what comes by the tunnel without ESP is dropped.
    require_esp: bool = False


@dataclass(frozen=True)
class Tunnel:
    """A tunnel's settings; None follows the configuration. mtu 0 is automatic, encapsulation_limit -1 no option,
    dscp -1 copied from the inner packet, -2 copied both ways, ecn 1 RFC 6040, 2 compatibility, 3 rfc5213-strict."""

    local: str
    remote: str
    static: bool = False
    hop_limit: Optional[int] = None
    mtu: Optional[int] = None
    encapsulation_limit: Optional[int] = None
    dscp: Optional[int] = None
    ecn: int = 0
    users: int = 0


@dataclass(frozen=True)
class Route:
    """A localized route; via None: both mobile nodes are on this MAG."""

    source: str
    destination: str
    via: Optional[Tuple[str, str]] = None
    receive_only: bool = False
    lifetime: int = 0


@dataclass(frozen=True)
class Visitor:
    prefix: str
    port: str


@dataclass(frozen=True)
class Peer:
    """A tunnel's far end that failed: nothing goes by its tunnels until it is "alive"."""

    address: str
    state: str = "failed"


Record = Union[Binding, Tunnel, Route, Visitor, Peer]


@dataclass(frozen=True)
class Key:
    """What `delete` names: a record's key fields, and the tunnel remote a binding must still have."""

    record: Record
    expect: Optional[str] = None


@dataclass(frozen=True)
class Revocation:
    """What `delete` names, too: every binding whose tunnel has this remote, of one cache ("pmip", "mip") or both."""

    remote: str
    table: Optional[str] = None
