"""The model's LMA: two tables, Mobile IPv6 first, nested tunnels with a bound (RFC 5213, 6275, 6612, 2473)."""

from dataclasses import dataclass

from world import CN_MAC, CORE_MAC, LMAA, MAG1, MAG1_MAC, MAG2, MAG2_MAC, POOLS, TRANSPORT_MAC

from . import wire
from .tables import Drop, Either, Kernel, Send, Tables, within

# Next hops of the configuration: the MAGs are behind the transport port, everything else behind the core port.
NEIGHBORS = {MAG1: ("transport", TRANSPORT_MAC, MAG1_MAC), MAG2: ("transport", TRANSPORT_MAC, MAG2_MAC)}
CORE = ("core", CORE_MAC, CN_MAC)
LOOK_UPS = 2


def is_anchored(address):
    """Whether an address lies in a pool."""
    return any(within(address, pool) for pool in POOLS)


@dataclass
class Anchor(Tables):
    """One LMA, collocated with a home agent."""

    def set_binding(self, record):
        """No handover states here."""
        return record.get("state") not in ("redirecting", "buffering", "flushing", "relaying") and super().set_binding(
            record
        )

    def target(self, destination):
        """The binding that a destination meets: by table first, by length second."""
        return self.longest(destination, "mip") or self.longest(destination, "pmip")

    def obstacle(self, entry):
        """Why a binding carries nothing."""
        reasons = {"pending": {"binding-pending"}, "deregistering": {"deregistering"}}.get(entry.state, set())
        return reasons | ({"peer-down"} if self.is_down(entry.tunnel) else set())

    def out(self, inner, destination):
        """A packet that this machine sends to an address that is not anchored here."""
        port, own, other = NEIGHBORS.get(destination, CORE)
        return Send(port, wire.frame(own, other, inner))

    def towards(self, destination, make, sender=None):
        """A packet for an anchored destination."""
        inner, seen = make(63), []
        while is_anchored(destination):
            entry = self.target(destination)
            if entry is None:
                return Drop({"no-binding"})
            # Never back to the sender's own binding; a tunnel of ours may well lead there.
            if any(entry is one for one in seen or [sender]):
                return Drop({"loop"} | self.obstacle(entry))
            reasons = self.obstacle(entry)
            if reasons:
                # A chain that is too long as well may be refused for that.
                return Drop(reasons | {"loop"}) if seen else Drop(reasons)
            if len(seen) > LOOK_UPS:
                return Drop({"loop"})
            seen.append(entry)
            inner = wire.encapsulated(*entry.tunnel, inner)
            destination = entry.tunnel[1]
        return self.out(inner, destination)

    def from_core(self, destination, make):
        """A packet of the outside world."""
        return self.towards(destination, make)

    def from_tunnel(self, levels, source, destination, make):
        """A packet behind one or more tunnel headers; `levels` are the (local, remote) pairs, the outermost first."""
        for depth, tunnel in enumerate(levels):
            if tunnel not in self.tunnels():
                # Inside another tunnel it is a packet for one of our addresses that no tunnel of ours carries.
                unknown = Drop({"unknown-tunnel", "source-not-bound"})
                return Either((unknown, Kernel())) if depth else unknown
            if self.is_down(tunnel):
                return Drop({"peer-down", "source-not-bound"})
            last = depth == len(levels) - 1
            own = source if last else levels[depth + 1][1]
            found = [self.longest(own, name) for name in ("mip", "pmip")]
            found = [entry for entry in found if entry and entry.tunnel == tunnel]
            if not found:
                return Drop({"source-not-bound"})
            usable = [entry for entry in found if entry.state == "active"]
            if not usable:
                return Drop(set().union(*(self.obstacle(entry) for entry in found)))
        if is_anchored(destination):
            return self.towards(destination, make, usable[0])
        return self.out(make(63), destination)
