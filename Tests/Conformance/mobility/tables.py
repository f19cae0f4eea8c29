"""A slow, plain model of the tables and of what becomes of packets, written from the requirements and the contract.

Lists and loops: what an entry means is read off the words, not off the product's structures. Times are milliseconds.
"""

from dataclasses import dataclass, field

from . import wire

WAIT = 10_000  # MinDelayBeforeBCEDelete
HANDOVER = ("redirecting", "buffering", "flushing", "relaying")


def within(address, prefix):
    """Whether an address lies in a prefix."""
    base, length = prefix.split("/")
    (version, value), (family, first) = wire.number(address), wire.number(base)
    bits = 128 if version == 6 else 32
    return version == family and (value ^ first) >> (bits - int(length)) == 0


@dataclass
class Entry:
    """One binding."""

    record: dict
    state: str
    tunnel: tuple
    peer: tuple | None
    ends: int | None
    # Reached from flushing: the previous MAG is still believed.
    flushed: bool = False

    @property
    def prefix(self):
        return self.record["prefix"]


@dataclass
class Drop:
    """The packet ends, for one of these reasons."""

    reasons: set


@dataclass
class Kernel:
    """The kernel has the packet."""


@dataclass
class Send:
    """The packet leaves."""

    port: str
    frame: bytes = field(repr=False)


@dataclass
class Hold:
    """The packet waits in the queue of this binding."""

    entry: Entry


class Either(tuple):
    """The requirements leave open which: any of these."""


@dataclass
class Tables:
    """What both roles have: bindings, peers, lifetimes."""

    pmip: dict = field(default_factory=dict)
    mip: dict = field(default_factory=dict)
    failed: set = field(default_factory=set)
    now: int = 0

    def table(self, name):
        return self.mip if name == "mip" else self.pmip

    def longest(self, address, name="pmip"):
        """The longest match of one table."""
        found = [entry for prefix, entry in self.table(name).items() if within(address, prefix)]
        return max(found, key=lambda entry: int(entry.prefix.split("/")[1]), default=None)

    def tunnels(self):
        """Every tunnel that something names."""
        used = set()
        for table in (self.pmip, self.mip):
            for entry in table.values():
                used.add(entry.tunnel)
                if entry.peer:
                    used.add(entry.peer)
        return used

    def is_down(self, tunnel):
        return tunnel[1] in self.failed

    # Operations: each returns whether it is accepted.

    def set_binding(self, record):
        """A binding, new or replaced."""
        if record.get("peer") is None and record.get("state") in ("redirecting", "relaying"):
            return False
        state = record.get("state", "active")
        ends = self.now + 1000 * record["lifetime"] if "lifetime" in record else None
        if state == "deregistering":
            ends = self.now + WAIT if ends is None else min(ends, self.now + WAIT)
        peer = pair(record["peer"]) if state in HANDOVER and "peer" in record else None
        table = self.table(record["table"])
        old = table.get(record["prefix"])
        # What is under way by the previous MAG when the registration ends relaying or flushing.
        follows = state == "active" and old is not None and old.state in ("relaying", "flushing")
        peer = old.peer if follows else peer
        table[record["prefix"]] = Entry(record, state, pair(record["tunnel"]), peer, ends, follows)
        return True

    def delete_binding(self, key):
        """By key; `expect` is the tunnel's other end."""
        entry = self.table(key["table"]).get(key["prefix"])
        if entry and "expect" in key and entry.tunnel[1] != key["expect"]:
            return False
        self.table(key["table"]).pop(key["prefix"], None)
        return True

    def delete_remote(self, key):
        """All bindings of a peer."""
        for name in [key["table"]] if "table" in key else ["pmip", "mip"]:
            table = self.table(name)
            for prefix in [p for p, entry in table.items() if entry.tunnel[1] == key["remote"]]:
                del table[prefix]
        return True

    def set_peer(self, record):
        """A peer fails, or is back."""
        (self.failed.add if record["state"] == "failed" else self.failed.discard)(record["peer"])
        return True

    def delete_peer(self, key):
        self.failed.discard(key["peer"])
        return True

    def ends(self):
        """When something ends next."""
        times = [entry.ends for table in (self.pmip, self.mip) for entry in table.values()]
        return [time for time in times if time is not None]

    def pass_time(self):
        """What ends by now is gone."""
        for table in (self.pmip, self.mip):
            for prefix in [p for p, entry in table.items() if entry.ends is not None and entry.ends <= self.now]:
                del table[prefix]


def pair(tunnel):
    """The addresses of a record's tunnel."""
    return tunnel["local"], tunnel["remote"]
