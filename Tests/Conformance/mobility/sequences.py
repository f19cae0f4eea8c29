"""Random sequences of operations and packets for both roles, each played on the model as it is made."""

from world import (
    CN,
    CN4,
    CN_MAC,
    CORE_MAC,
    GATEWAY_MAC,
    HNP1,
    HNP2,
    HOA1,
    HOA2,
    LMA2,
    LMAA,
    LMAA2,
    MAG1,
    MAG1_MAC,
    MAG2,
    MAG_MAC,
    MAG_TRANSPORT_MAC,
    MIP_COA,
    MN1,
    MN1_MAC,
    MN2,
    MN2_MAC,
    MN3,
    MN3_MAC,
    MN4,
    ROGUE,
    TRANSPORT_MAC,
    VIS,
    VISITOR,
)

from . import wire
from .history import payload
from .tables import within

MAG3 = "2001:db8:cc::1"
PROXY_COA2 = "2001:db8:a::2"
VIS_MAC = "02:00:00:00:09:99"
HOST = "2001:db8:100:1::77"
HNP5, MN5 = "2001:db8:100:5::/64", "2001:db8:100:5::50"
ELSEWHERE, AWAY = "2001:db8:100:6::/64", "2001:db8:100:6::6"
AWAY4 = "203.0.113.50"
MNP, LFN = "2001:db8:100:40::/60", "2001:db8:100:47::7"
STRANGE, STRANGE4 = "2001:db8:7::7", "203.0.113.99"
# prefix: (mobile node, MAC); HOST lies in HNP1.
SERVED = {
    HNP1: ("mn1", MN1_MAC),
    f"{HOA1}/32": ("mn1", MN1_MAC),
    HNP2: ("mn2", MN2_MAC),
    f"{HOA2}/32": ("mn2", MN2_MAC),
    f"{HOST}/128": ("mn3", MN3_MAC),
    HNP5: (None, MN3_MAC),
}
ADDRESSES = (MN1, "2001:db8:100:1::5:5", HOA1, MN2, HOA2, HOST, MN5, AWAY, AWAY4, STRANGE, STRANGE4, VIS)


def of_family(random, address, choices):
    """One of the choices in the address's family."""
    return random.choice([choice for choice in choices if (":" in choice) == (":" in address)])


class AtGateway:
    """A sequence at MAG1."""

    def __init__(self, random, history):
        self.random, self.history, self.tables = random, history, history.tables
        self.policies = {name: random.choice((None, None, True, False)) for name in ("mn1", "mn2", "mn3", None)}

    def run(self, length):
        for _ in range(4):
            self.bind()
        actions = [self.bind] * 5 + [self.unbind, self.route, self.route, self.unroute, self.visit, self.peer]
        actions += [self.uplink] * 9 + [self.downlink] * 12 + [self.burst] * 3 + [self.pause] * 2
        for _ in range(length):
            (self.revoke if self.random.random() < 0.01 else self.random.choice(actions))()
        self.clear()

    def do(self, operation, values, method):
        self.history.operate(operation, values, method)
        self.history.wait(1)

    def bind(self):
        random = self.random
        prefix = random.choice(list(SERVED))
        name, mac = SERVED[prefix]
        states = ["active"] * 4 + ["pending", "deregistering", "redirecting"]
        # A host inside another's prefix never holds: which queue a packet waits in would be another's choice.
        if "/128" not in prefix:
            states += ["buffering"] * 3 + ["flushing"] * 2 + ["relaying"]
        state = random.choice(states)
        old = self.tables.pmip.get(prefix)
        if old and old.state == state == "deregistering":
            return
        record = {"table": "pmip", "prefix": prefix}
        # One address of ours has both the tunnel and the peer.
        local = random.choice((MAG1, MAG1, MAG1, PROXY_COA2))
        record["tunnel"] = {"local": local, "remote": random.choice((LMAA, LMAA, LMA2))}
        record["access"] = {"port": random.choice(("access1", "access2")), "mac": mac}
        if name:
            record["mn"] = name
        if state != "active":
            record["state"] = state
        if state in ("redirecting", "relaying") or (state in ("buffering", "flushing") and random.random() < 0.8):
            record["peer"] = {"local": local, "remote": random.choice((MAG2, MAG2, MAG3))}
        if self.policies[name] is not None:
            record["localRouting"] = self.policies[name]
        if state != "deregistering" and random.random() < 0.3:
            record["lifetime"] = random.randint(1, 6)
        self.do("set", record, self.tables.set_binding)

    def unbind(self):
        key = {"table": "pmip", "prefix": self.random.choice(list(SERVED))}
        if self.random.random() < 0.5:
            key["expect"] = self.random.choice((LMAA, LMA2))
        self.do("delete", key, self.tables.delete_binding)

    def revoke(self):
        key = {"remote": self.random.choice((LMAA, LMA2, MAG2))}
        self.do("delete", key, self.tables.delete_remote)

    def pair(self):
        random = self.random
        if random.random() < 0.2:
            return {"from": f"{HOA1}/32", "to": f"{AWAY4}/32"}
        origin = random.choice((HNP1, HNP1, HNP2, f"{HOST}/128", HNP5))
        return {"from": origin, "to": random.choice([p for p in (ELSEWHERE, HNP2, HNP5) if p != origin])}

    def route(self):
        random = self.random
        record = {"route": self.pair()}
        via = {"local": random.choice((MAG1, PROXY_COA2)), "remote": random.choice((MAG2, MAG2, MAG3))}
        record["via"] = via if random.random() < 0.9 else "local"
        if record["via"] != "local" and random.random() < 0.2:
            record["receiveOnly"] = True
        if random.random() < 0.3:
            record["lifetime"] = random.randint(1, 5)
        self.do("set", record, self.tables.set_route)

    def unroute(self):
        self.do("delete", {"route": self.pair()}, self.tables.delete_route)

    def visit(self):
        if self.random.random() < 0.7:
            record = {"visitor": VISITOR, "port": self.random.choice(("access1", "access2"))}
            self.do("set", record, self.tables.set_visitor)
        else:
            self.do("delete", {"visitor": VISITOR}, self.tables.delete_visitor)

    def peer(self):
        address = self.random.choice((LMAA, MAG2, MAG3))
        if self.random.random() < 0.25:
            self.do("delete", {"peer": address}, self.tables.delete_peer)
            return
        record = {"peer": address, "state": self.random.choice(("failed", "alive", "alive"))}
        self.do("set", record, self.tables.set_peer)

    def pause(self):
        self.history.wait(self.random.choice((1, 5, 50, 250, 485, 600, 2400, 2600)))

    def inner(self, source, destination):
        serial = payload(len(self.history.packets))
        return lambda hops: wire.packet(source, destination, hops, serial)

    def uplink(self):
        self.history.let_settle()
        random = self.random
        port = random.choice(("access1", "access2"))
        mac = random.choice((MN1_MAC, MN2_MAC, MN3_MAC, VIS_MAC))
        source = random.choice(ADDRESSES)
        entry = self.tables.longest(source)
        if entry and random.random() < 0.7:
            port, mac = entry.record["access"]["port"], entry.record["access"]["mac"]
        destination = of_family(random, source, (CN, CN, CN4, *ADDRESSES))
        ways = [to for origin, to in self.tables.routes if entry and origin == entry.prefix]
        if ways and random.random() < 0.5:
            destination = next((address for address in ADDRESSES if within(address, random.choice(ways))), destination)
        make = self.inner(source, destination)
        outcome = self.tables.from_link(port, mac, source, destination, make)
        words = f"{mac} {source} > {destination}"
        self.history.receive(port, wire.frame(mac, MAG_MAC, make(64)), destination, outcome, words)

    def downlink(self):
        self.history.let_settle()
        self.arrive(self.random.choice(ADDRESSES))

    def burst(self):
        """Enough packets for what is held to reach its bounds."""
        holding = [prefix for prefix, entry in self.tables.pmip.items() if entry.state == "buffering"]
        if holding:
            prefix = self.random.choice(holding)
            address = next(address for address in ADDRESSES if within(address, prefix))
            for _ in range(self.random.randint(3, 8)):
                self.arrive(address)

    def arrive(self, destination):
        """A tunnel packet for this address, mostly by a tunnel that may bring it."""
        random = self.random
        entry = self.tables.longest(destination)
        tunnels = sorted(self.tables.tunnels())
        if entry and random.random() < 0.6:
            tunnels = [tunnel for tunnel in (entry.tunnel, entry.peer) if tunnel]
        if tunnels and random.random() < 0.9:
            local, remote = random.choice(tunnels)
        else:
            local, remote = random.choice((MAG1, PROXY_COA2)), random.choice((LMAA, LMA2, MAG2, MAG3, ROGUE))
        # What is held is told apart by its number alone, so its source is always the same.
        source = of_family(random, destination, (CN, CN, CN4, CN4, *ADDRESSES))
        if entry and entry.state == "buffering":
            source = of_family(random, destination, (CN, CN4))
        make = self.inner(source, destination)
        outcome = self.tables.from_tunnel((local, remote), source, destination, make)
        frame = wire.frame(GATEWAY_MAC, MAG_TRANSPORT_MAC, wire.encapsulated(remote, local, make(64)))
        words = f"{remote} > {local} | {source} > {destination}"
        self.history.receive("transport", frame, destination, outcome, words, (local, remote))

    def clear(self):
        """Everything goes, and time for everything that waits."""
        for prefix in list(self.tables.pmip):
            self.do("delete", {"table": "pmip", "prefix": prefix}, self.tables.delete_binding)
        for origin, to in list(self.tables.routes):
            self.do("delete", {"route": {"from": origin, "to": to}}, self.tables.delete_route)
        for visitor in list(self.tables.visitors):
            self.do("delete", {"visitor": visitor}, self.tables.delete_visitor)
        for address in list(self.tables.failed):
            self.do("delete", {"peer": address}, self.tables.delete_peer)
        self.history.wait(600)


PROXIED = (HNP1, f"{HOA1}/32", HNP2, f"{HOA2}/32", f"{MN3}/128", f"{MN4}/128", f"{HOST}/128", HNP5)
HOMES = (f"{MN1}/128", f"{HOST}/128", f"{MN5}/128", f"{MN3}/128", MNP, HNP1)
ANCHORED = (MN1, MN2, HOST, MN5, MN3, MN4, LFN, HOA1, HOA2, "2001:db8:100:1::5:5", AWAY, STRANGE4)


class AtAnchor(AtGateway):
    """A sequence at the LMA."""

    def run(self, length):
        for _ in range(6):
            self.bind()
        actions = [self.bind] * 6 + [self.home] * 4 + [self.unbind, self.peer]
        actions += [self.core] * 12 + [self.uplink] * 12 + [self.pause]
        for _ in range(length):
            (self.revoke if self.random.random() < 0.01 else self.random.choice(actions))()
        self.clear()

    def lives(self, record):
        """A state and a lifetime."""
        random = self.random
        state = random.choice(["active"] * 6 + ["pending", "deregistering"])
        old = self.tables.table(record["table"]).get(record["prefix"])
        if old and old.state == state == "deregistering":
            state = "active"
        if state != "active":
            record["state"] = state
        if state != "deregistering" and random.random() < 0.3:
            record["lifetime"] = random.randint(1, 6)
        self.do("set", record, self.tables.set_binding)

    def bind(self):
        random = self.random
        tunnel = {"local": random.choice((LMAA, LMAA, LMAA2)), "remote": random.choice((MAG1, MAG1, MAG2, MAG3))}
        self.lives({"table": "pmip", "prefix": random.choice(PROXIED), "tunnel": tunnel})

    def home(self):
        random = self.random
        care_of = random.choice((MIP_COA, MIP_COA, MIP_COA, MN1, MN2, MN5, HOST, MN3))
        prefix = random.choice([p for p in HOMES if p != f"{care_of}/128"])
        tunnel = {"local": random.choice((LMAA, LMAA, LMAA2)), "remote": care_of}
        self.lives({"table": "mip", "prefix": prefix, "tunnel": tunnel})

    def unbind(self):
        name = self.random.choice(("pmip", "mip"))
        key = {"table": name, "prefix": self.random.choice(PROXIED if name == "pmip" else HOMES)}
        if self.random.random() < 0.5:
            key["expect"] = self.random.choice((MAG1, MAG2, MIP_COA, MN1))
        self.do("delete", key, self.tables.delete_binding)

    def revoke(self):
        key = {"remote": self.random.choice((MAG1, MAG2, MAG3, MIP_COA, MN1))}
        if self.random.random() < 0.5:
            key["table"] = self.random.choice(("pmip", "mip"))
        self.do("delete", key, self.tables.delete_remote)

    def peer(self):
        address = self.random.choice((MAG1, MAG2, MIP_COA, MN1))
        if self.random.random() < 0.25:
            self.do("delete", {"peer": address}, self.tables.delete_peer)
            return
        record = {"peer": address, "state": self.random.choice(("failed", "alive", "alive"))}
        self.do("set", record, self.tables.set_peer)

    def anchored(self):
        """Mostly an address that is bound."""
        address = self.random.choice(ANCHORED)
        if self.tables.target(address) is None and self.random.random() < 0.8:
            address = self.random.choice(ANCHORED)
        return address

    def core(self):
        destination = self.anchored()
        make = self.inner(CN if ":" in destination else CN4, destination)
        outcome = self.tables.from_core(destination, make)
        words = f"> {destination}"
        self.history.receive("core", wire.frame(CN_MAC, CORE_MAC, make(64)), destination, outcome, words)

    def uplink(self):
        """Out of a tunnel, or out of one inside another."""
        random = self.random
        source = self.anchored()
        levels = [self.tunnel_of(source)]
        if random.random() < 0.5 or levels[0][1] in ANCHORED:
            levels.insert(0, self.tunnel_of(levels[0][1]))
        destination = of_family(random, source, (CN, CN4, *ANCHORED))
        make = self.inner(source, destination)
        outcome = self.tables.from_tunnel(levels, source, destination, make)
        octets = make(64)
        for local, remote in reversed(levels):
            octets = wire.encapsulated(remote, local, octets)
        words = " | ".join([f"{remote} > {local}" for local, remote in levels] + [f"{source} > {destination}"])
        frame = wire.frame(MAG1_MAC, TRANSPORT_MAC, octets)
        self.history.receive("transport", frame, destination, outcome, words)

    def tunnel_of(self, address):
        """Mostly the tunnel that this address may use."""
        random = self.random
        found = [self.tables.longest(address, name) for name in ("mip", "pmip")]
        found = [entry.tunnel for entry in found if entry]
        if found and random.random() < 0.85:
            return random.choice(found)
        return random.choice((LMAA, LMAA2)), random.choice((MAG1, MAG2, MAG3, MIP_COA, MN1, ROGUE))

    def clear(self):
        for name in ("pmip", "mip"):
            for prefix in list(self.tables.table(name)):
                self.do("delete", {"table": name, "prefix": prefix}, self.tables.delete_binding)
        for address in list(self.tables.failed):
            self.do("delete", {"peer": address}, self.tables.delete_peer)
        self.history.wait(600)
