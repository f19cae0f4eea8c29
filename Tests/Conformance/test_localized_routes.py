"""Localized routing (RFC 6705): both mobile nodes at one MAG, or MAG to MAG, and the way back to the LMA."""

import unittest

from rows import Conformance, Row, drops, forwards
from world import *

# Whether the tunnel, the destination or the source is what is wrong with a packet is left open.
STRANGER = ("unknown-tunnel", "not-on-link", "source-not-bound")
HNP5 = "2001:db8:100:5::/64"
MN5 = "2001:db8:100:5::50"
HOME5 = "203.0.113.50"
MAG3 = "2001:db8:cc::1"
ON = MAG.with_(local_routing=True)
# MN5 is never at MAG1. MN1, MN2 and MN3 are.
TO_MAG2 = {"local": MAG1, "remote": MAG2}
TO_MAG3 = {"local": MAG1, "remote": MAG3}


def route(origin, destination, via=TO_MAG2, **more):
    """A localized route of MAG1: packets from one prefix to another."""
    return {"route": {"from": origin, "to": destination}, "via": via, **more}


def without(origin, destination, at):
    """A script line that takes a route away."""
    return {"at": at, "op": "delete", "route": {"from": origin, "to": destination}}


def row(identifier, title, steps, *, configuration=ON, records=(), **more):
    """A row on MAG1, where MN1, MN2 and MN3 are."""
    return Row(identifier, title, configuration, steps, [*MAG_RECORDS, *records], **more)


def by_tunnel(source, destination, remote, at=None, mac=MN1_MAC, port_name="access1", make=udp6):
    """A mobile node's packet leaves into this tunnel."""
    return forwards(
        port_name,
        from_mn(make(source, destination), mac),
        "transport",
        to_lma(tunnel(MAG1, remote, make(source, destination, 63))),
        at=at,
    )


def by_lma(source, destination, at=None, **more):
    """A mobile node's packet takes the ordinary way."""
    return by_tunnel(source, destination, LMAA, at, **more)


def direct(source, destination, at=None, make=udp6):
    """MN1's packet is delivered to MN2 without a tunnel."""
    return forwards(
        "access1",
        from_mn(make(source, destination)),
        "access2",
        to_mn(make(source, destination, 63), MN2_MAC),
        at=at,
    )


def received(source, destination, at=None, remote=MAG2, make=udp6, mac=MN1_MAC, port_name="access1"):
    """A packet of the other MAG is delivered."""
    return forwards(
        "transport",
        from_lma(tunnel(remote, MAG1, make(source, destination))),
        port_name,
        to_mn(make(source, destination, 63), mac),
        at=at,
    )


def refused(source, destination, *reasons, at=None, remote=MAG2, make=udp6):
    """A packet of another MAG ends here."""
    return drops("transport", from_lma(tunnel(remote, MAG1, make(source, destination))), *reasons, at=at)


ROUTE = route(HNP1, HNP5)
ROUTE4 = route(f"{HOA1}/32", f"{HOME5}/32")
LOCAL = [route(HNP1, HNP2, "local"), route(HNP2, HNP1, "local")]


def not_accepted(title, configuration, records, at_lma=False, field="route.from"):
    """A row in which a route is refused and everything goes on as before."""
    steps = [
        forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63))), at=at)
        if at_lma
        else by_lma(MN1, MN5, at)
        for at in (0, 2)
    ]
    return Row(
        "R6705-1",
        title,
        configuration,
        steps,
        records,
        [{"at": 1, "op": "set", **ROUTE}],
        events=[{"event": "refused", "field": field}],
    )


POLICY = [
    not_accepted("refused while local routing is off", MAG, MAG_RECORDS),
    not_accepted(
        "refused while it is off for the sender",
        ON,
        [at_mag(HNP1, MN1_MAC, "access1", "mn1", localRouting=False)],
    ),
    row(
        "R6705-1",
        "the sender's policy decides, not the configured one",
        [by_tunnel(MN1, MN5, MAG2)],
        configuration=MAG,
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1", localRouting=True), ROUTE],
    ),
    row(
        "R6705-1",
        "a policy that changes takes the route out of use at once",
        [by_tunnel(MN1, MN5, MAG2, 0), by_lma(MN1, MN5, 2)],
        records=[ROUTE],
        script=[{"at": 1, "op": "set", **at_mag(HNP1, MN1_MAC, "access1", "mn1", localRouting=False)}],
    ),
    row(
        "R6705-1",
        "without a route the packets of a mobile node elsewhere go to the LMA, local routing or not",
        [by_lma(MN1, MN5)],
    ),
]

ROUTES = [
    row(
        "R6705-2",
        "a route overrides the tunnel to the LMA, for its destination only",
        [by_tunnel(MN1, MN5, MAG2), by_lma(MN1, CN), by_lma(MN1, "2001:db8:100:6::1")],
        records=[ROUTE],
        counters={f"tunnel.{MAG1}.{MAG2}.up.packets": 1, f"tunnel.{MAG1}.{LMAA}.up.packets": 2},
    ),
    row(
        "R6705-2",
        "the longest of several routes wins",
        [by_tunnel(MN1, MN5, MAG3), by_tunnel(MN1, "2001:db8:100:5::51", MAG2)],
        records=[ROUTE, route(HNP1, f"{MN5}/128", TO_MAG3)],
    ),
    row(
        "R6705-2",
        "both mobile nodes at this MAG",
        [direct(MN1, MN2)],
        records=LOCAL,
    ),
    row(
        "S-62",
        "MAG to MAG and back",
        [by_tunnel(MN1, MN5, MAG2), received(MN5, MN1)],
        records=[ROUTE],
    ),
    row(
        "R6705-5",
        "each direction by itself: the other one may come by the LMA, and nothing comes twice",
        [by_tunnel(MN1, MN5, MAG2), received(MN5, MN1, remote=LMAA), received(MN5, MN1)],
        records=[ROUTE],
    ),
    row(
        "R6705-5",
        "a route that only accepts",
        [by_lma(MN1, MN5), received(MN5, MN1)],
        records=[route(HNP1, HNP5, receiveOnly=True)],
    ),
    row(
        "R6705-9",
        "IPv4 home addresses",
        [
            by_tunnel(HOA1, HOME5, MAG2, make=udp4),
            received(HOME5, HOA1, make=udp4),
            by_lma(HOA1, CN4, make=udp4),
            refused("203.0.113.51", HOA1, *STRANGER, make=udp4),
        ],
        records=[ROUTE4],
    ),
    row(
        "R6705-10",
        "the other mobile node has moved: one replacement",
        [by_tunnel(MN1, MN5, MAG2, 0), by_tunnel(MN1, MN5, MAG3, 2), received(MN5, MN1, 2.1, remote=MAG3)],
        records=[ROUTE],
        script=[{"at": 1, "op": "set", **route(HNP1, HNP5, TO_MAG3)}],
    ),
    row(
        "R6705-10",
        "and the MAG of before is a stranger",
        [received(MN5, MN1, 0), refused(MN5, MN1, *STRANGER, at=2)],
        records=[ROUTE],
        script=[{"at": 1, "op": "set", **route(HNP1, HNP5, TO_MAG3)}],
    ),
    row(
        "R6705-11",
        "a route is for its pair: another mobile node's packets go to the LMA",
        [
            by_tunnel(MN1, MN5, MAG2),
            by_lma(MN3, MN5, mac=MN3_MAC),
            by_lma(MN2, MN5, mac=MN2_MAC, port_name="access2"),
            refused(MN5, MN2, *STRANGER),
        ],
        records=[ROUTE],
    ),
    row(
        "R6705-11",
        "a route may come before its mobile node",
        [by_lma(MN1, MN5, 0), by_tunnel(MN1, MN5, MAG2, 2)],
        script=[
            {"at": 0.5, "op": "delete", "table": "pmip", "prefix": HNP1},
            {"at": 0.6, "op": "set", **ROUTE},
            {"at": 1, "op": "set", **at_mag(HNP1, MN1_MAC, "access1", "mn1")},
        ],
    ),
]

FALLBACK = [
    row(
        "R6705-3",
        "without a way to the other MAG packets take the tunnel",
        [by_lma(MN1, MN5)],
        configuration=ON.with_(routes=[{"prefix": "2001:db8:1::/48", "via": "2001:db8:e::1", "port": "transport"}]),
        records=[ROUTE],
    ),
    row(
        "R6705-3",
        "without its link-layer address, too",
        [by_lma(MN1, MN5)],
        configuration=ON.with_(
            routes=[
                *MAG.values["routes"],
                {"prefix": "2001:db8:b::/48", "via": "2001:db8:e::b", "port": "transport"},
            ]
        ),
        records=[ROUTE],
    ),
    row(
        "R6705-3",
        "the route is taken away: the very next packet takes the tunnel",
        [by_tunnel(MN1, MN5, MAG2, at) for at in (0, 0.999)] + [by_lma(MN1, MN5, 1.001)],
        records=[ROUTE],
        script=[without(HNP1, HNP5, 1)],
    ),
    row(
        "R6705-3",
        "the other MAG has failed, and is back",
        [by_tunnel(MN1, MN5, MAG2, 0), by_lma(MN1, MN5, 2), by_tunnel(MN1, MN5, MAG2, 4)],
        records=[ROUTE],
        script=[
            {"at": 1, "op": "set", "peer": MAG2, "state": "failed"},
            {"at": 3, "op": "set", "peer": MAG2, "state": "alive"},
        ],
    ),
    row(
        "R6705-3",
        "the other mobile node of this MAG has left: the next packet goes to the LMA",
        [direct(MN1, MN2, 0), direct(MN1, MN2, 0.999), by_lma(MN1, MN2, 1.001)],
        records=LOCAL,
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": HNP2}],
    ),
    row(
        "R6705-4",
        "at the end of its lifetime a route is used no more, without a word",
        [by_tunnel(MN1, MN5, MAG2, 0), by_tunnel(MN1, MN5, MAG2, 1.9), by_lma(MN1, MN5, 2.1)]
        + [refused(MN5, MN1, *STRANGER, at=2.2)],
        records=[{**ROUTE, "lifetime": 2}],
        events=[{"event": "route-expired"}],
    ),
    row(
        "R6705-4",
        "a refreshed route lives on, one without a lifetime for ever",
        [
            by_tunnel(MN1, MN5, MAG2, 0),
            by_tunnel(MN1, MN5, MAG2, 2.9),
            by_lma(MN1, MN5, 3.1),
            by_tunnel(HOA1, HOME5, MAG2, 100000, make=udp4),
        ],
        records=[{**ROUTE, "lifetime": 2}, ROUTE4],
        script=[{"at": 1, "op": "set", **ROUTE, "lifetime": 2}],
    ),
    row(
        "R6705-8",
        "when a mobile node leaves, nothing for it is accepted and nothing of it sent",
        [
            by_tunnel(MN1, MN5, MAG2, 0),
            received(MN5, MN1, 0.1),
            refused(MN5, MN1, *STRANGER, at=2),
            drops("access1", from_mn(udp6(MN1, MN5)), "source-not-bound", at=2.1),
        ],
        records=[ROUTE],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": HNP1}],
    ),
    row(
        "R6705-8",
        "nor while its binding is in its wait",
        [
            by_tunnel(MN1, MN5, MAG2, 0),
            refused(MN5, MN1, "deregistering", "unknown-tunnel", at=2),
            drops("access1", from_mn(udp6(MN1, MN5)), "deregistering", at=2.1),
        ],
        records=[ROUTE],
        script=[
            {"at": 1, "op": "set", **at_mag(HNP1, MN1_MAC, "access1", "mn1", state="deregistering")},
        ],
    ),
]

CHECKS = [
    row(
        "R6705-6",
        "a foreign source is dropped before any route is looked at",
        [
            drops("access1", from_mn(udp6("2001:db8:100:77::1", MN5)), "source-not-bound"),
            drops("access1", from_mn(udp6(MN5, MN2)), "source-not-bound"),
            drops("access1", from_mn(udp6(MN1, MN5), MN3_MAC), "not-on-link"),
            drops("access2", from_mn(udp6(MN1, MN5), MN1_MAC), "not-on-link"),
            drops("access1", from_mn(udp6("fe80::1", MN5)), "link-local-source"),
        ],
        records=[ROUTE],
    ),
    row(
        "R6705-7",
        "from another MAG: only by the tunnel of a route, only its mobile node's source, only to the prefix of ours",
        [
            received(MN5, MN1),
            refused(MN5, MN1, "unknown-tunnel", remote=ROGUE),
            refused(MN5, MN1, "unknown-tunnel", remote=MAG3),
            refused(CN, MN1, *STRANGER),
            refused("2001:db8:100:6::1", MN1, *STRANGER),
            refused(MN5, "2001:db8:100:77::1", *STRANGER),
            refused(MN5, MN3, *STRANGER),
            refused(MN5, CN, *STRANGER),
        ],
        records=[ROUTE],
    ),
    row(
        "R6705-7",
        "a route by another MAG does not open this one's tunnel",
        [received(MN5, MN1), refused(MN5, MN2, *STRANGER)],
        records=[ROUTE, route(HNP2, HNP5, TO_MAG3)],
    ),
]


class Policy(Conformance):
    """EnableMAGLocalRouting and the mobile node's own."""

    rows = POLICY + [not_accepted("an LMA has no localized routes", LMA, LMA_RECORDS, True, "route")]


class Routes(Conformance):
    """Where packets go."""

    rows = ROUTES


class Fallback(Conformance):
    """Back to the tunnel."""

    rows = FALLBACK


class Checks(Conformance):
    """Who may send."""

    rows = CHECKS


if __name__ == "__main__":
    unittest.main()
