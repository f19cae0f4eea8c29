"""The model's MAG: states of a handover, local routing, localized routes, visitors (CONTRACT, RFC 5213, 5949, 6705)."""

from dataclasses import dataclass, field

from world import GATEWAY_MAC, MAG_MAC, MAG_TRANSPORT_MAC

from . import wire
from .tables import Drop, Either, Hold, Kernel, Send, Tables, pair, within


@dataclass
class Route:
    """A localized route."""

    record: dict
    tunnel: tuple | None
    ends: int | None


@dataclass
class Gateway(Tables):
    """One MAG."""

    local_routing: bool = False
    routes: dict = field(default_factory=dict)
    visitors: dict = field(default_factory=dict)

    # Operations beside those on bindings.

    def routes_locally(self, entry):
        own = entry.record.get("localRouting") if entry else None
        return self.local_routing if own is None else own

    def set_route(self, record):
        """Refused while local routing is off for the sender."""
        key = (record["route"]["from"], record["route"]["to"])
        if not self.routes_locally(self.pmip.get(key[0])):
            return False
        tunnel = None if record["via"] == "local" else pair(record["via"])
        ends = self.now + 1000 * record["lifetime"] if "lifetime" in record else None
        self.routes[key] = Route(record, tunnel, ends)
        return True

    def delete_route(self, key):
        self.routes.pop((key["route"]["from"], key["route"]["to"]), None)
        return True

    def set_visitor(self, record):
        self.visitors[record["visitor"]] = record["port"]
        return True

    def delete_visitor(self, key):
        self.visitors.pop(key["visitor"], None)
        return True

    def tunnels(self):
        return super().tunnels() | {route.tunnel for route in self.routes.values() if route.tunnel}

    def ends(self):
        return super().ends() + [route.ends for route in self.routes.values() if route.ends is not None]

    def pass_time(self):
        super().pass_time()
        for key in [k for k, route in self.routes.items() if route.ends is not None and route.ends <= self.now]:
            del self.routes[key]

    def visitor(self, address):
        """The port of an address of a visitor prefix."""
        return next((port for prefix, port in self.visitors.items() if within(address, prefix)), None)

    # Packets.

    def into(self, tunnel, inner):
        """Encapsulated, if the other end is alive."""
        if self.is_down(tunnel):
            return Drop({"peer-down"})
        return Send("transport", wire.frame(MAG_TRANSPORT_MAC, GATEWAY_MAC, wire.encapsulated(*tunnel, inner)))

    @staticmethod
    def onto_link(entry, inner):
        access = entry.record["access"]
        return Send(access["port"], wire.frame(MAG_MAC, access["mac"], inner))

    def delivered(self, entry, inner, tunnel):
        """A packet for this binding, from a tunnel that may bring it."""
        match entry.state:
            case "pending":
                return Drop({"binding-pending"})
            case "deregistering":
                return Drop({"deregistering"})
            case "redirecting":
                # Two gateways that redirect to each other would play with it until its last hop.
                if entry.peer == tunnel:
                    return Drop({"binding-pending", "loop"})
                return self.into(entry.peer, inner)
            case "buffering":
                return Hold(entry)
        return self.onto_link(entry, inner)

    def believes(self, entry, tunnel, source):
        """Whether packets for this binding may come by this tunnel."""
        if entry.tunnel == tunnel:
            return True
        if entry.peer == tunnel and (entry.state in ("buffering", "flushing", "relaying") or entry.flushed):
            return True
        return self.routes_locally(entry) and any(
            route.tunnel == tunnel and origin == entry.prefix and within(source, to)
            for (origin, to), route in self.routes.items()
        )

    def from_tunnel(self, tunnel, source, destination, make):
        """A tunnel packet on the transport port. `make(hops)` is the inner packet."""
        if tunnel not in self.tunnels():
            return Drop({"unknown-tunnel"})
        if self.is_down(tunnel):
            return Drop({"peer-down"})
        entry = self.longest(destination)
        if entry and self.believes(entry, tunnel, source):
            return self.delivered(entry, make(63), tunnel)
        sender = self.longest(source)
        if sender and sender.state == "redirecting" and sender.peer == tunnel:
            return self.into(sender.tunnel, make(63))
        return Drop({self.stranger(entry, sender, tunnel)})

    def stranger(self, entry, sender, tunnel):
        """Why nobody here sends or gets what comes by a known tunnel (COUNTERS)."""
        if entry:
            # The far end of a localized route may only send from the route's other prefix (RFC 6705 section 6).
            is_route = self.routes_locally(entry) and any(
                route.tunnel == tunnel and origin == entry.prefix for (origin, _to), route in self.routes.items()
            )
            return "source-not-bound" if is_route else "unknown-tunnel"
        # To nobody here: from another gateway, of a mobile node here that was not handed over to it.
        return "source-not-bound" if sender and sender.tunnel != tunnel else "not-on-link"

    def from_link(self, port, mac, source, destination, make):
        """A frame on an access port."""
        sender = self.longest(source)
        if sender is None:
            return self.foreign(port, mac, source, destination, make)
        faults = {"pending": {"binding-pending"}, "deregistering": {"deregistering"}}.get(sender.state, set())
        access = sender.record["access"]
        if (access["port"], access["mac"]) != (port, mac):
            faults = faults | {"not-on-link"}
        if faults:
            return Drop(faults)
        return self.authorized(sender, destination, make)

    def authorized(self, sender, destination, make):
        """A mobile node's own packet."""
        # RFC 4443 section 3.1: the subnet of the very link it came from, whoever has the address.
        if within(destination, sender.prefix):
            return Drop({"loop"})
        if sender.state == "relaying":
            return self.into(sender.peer, make(63))
        if self.routes_locally(sender):
            target = self.longest(destination)
            if target and target.state == "active":
                # The same section again: another prefix of the same station is on that link, too.
                if target.record["access"] == sender.record["access"]:
                    return Drop({"loop"})
                return self.onto_link(target, make(63))
            if target is None and self.visitor(destination):
                return Kernel()
            route = self.route(sender, destination)
            if route:
                return self.into(route.tunnel, make(63))
        return self.into(sender.tunnel, make(63))

    def route(self, sender, destination):
        """The usable route of this pair."""
        for (origin, to), route in self.routes.items():
            if origin == sender.prefix and within(destination, to) and route.tunnel:
                if not route.record.get("receiveOnly") and not self.is_down(route.tunnel):
                    return route
        return None

    def foreign(self, port, mac, source, destination, make):
        """Nobody's source, or a visitor's."""
        known = {entry.record["access"]["mac"] for entry in self.pmip.values()}
        home = self.visitor(source)
        # S-31, S-33: whoever has no binding, or none any more; nobody routes for it.
        if home is None:
            return Drop({"source-not-bound"})
        # REQUIREMENTS 2.15: a visitor prefix is of its port.
        if home != port:
            return Drop({"not-on-link"})
        if mac in known:
            return Either((Drop({"source-not-bound", "not-on-link"}), Kernel(), *self.short_cut(destination, make)))
        if not self.local_routing and not any(entry.record.get("localRouting") for entry in self.pmip.values()):
            return Kernel()
        short = self.short_cut(destination, make)
        return short[0] if short else Kernel()

    def short_cut(self, destination, make):
        """A visitor's packet to a mobile node of this MAG, if the mobile node's own rule, or the flag without one, lets it."""
        target = self.longest(destination)
        if target and target.state == "active" and self.routes_locally(target):
            return (self.onto_link(target, make(63)),)
        return ()
