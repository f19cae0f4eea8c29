"""How bindings and tunnels begin and end: waits, refreshes, compare-on-delete, shared tunnels, peers that fail."""

import unittest

from rows import Conformance, Row, drops, forwards
from world import *

PMIP = lma_binding(HNP1, MAG1, local=LMAA, mn="mn1")
KEEPER = lma_binding(f"{MN3}/128", MAG1, local=LMAA, mn="mn3")


def row(identifier, title, steps, *, records=LMA_RECORDS, configuration=LMA, **more):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def changes(at, *records):
    """Script lines that set records at this time."""
    return [{"at": at, "op": "set", **record} for record in records]


def removes(at, *keys):
    """Script lines that delete."""
    return [{"at": at, "op": "delete", **key} for key in keys]


def to_mag1(destination=MN1, at=None):
    """CN's packet leaves by the tunnel to MAG1."""
    return forwards(
        "core",
        from_cn(udp6(CN, destination)),
        "transport",
        to_mag(tunnel(LMAA, MAG1, udp6(CN, destination, 63))),
        at=at,
    )


def to_mag2(destination=MN2, at=None):
    """CN's packet leaves by the tunnel to MAG2."""
    return forwards(
        "core",
        from_cn(udp6(CN, destination)),
        "transport",
        to_mag(tunnel(LMAA, MAG2, udp6(CN, destination, 63)), MAG2_MAC),
        at=at,
    )


def from_mag1(source=MN1, at=None):
    """A packet of the tunnel from MAG1 is forwarded."""
    return forwards(
        "transport", from_mag(tunnel(MAG1, LMAA, udp6(source, CN))), "core", to_cn(udp6(source, CN, 63)), at=at
    )


def from_mag2(source=MN2, at=None):
    """A packet of the tunnel from MAG2 is forwarded."""
    return forwards(
        "transport",
        from_mag(tunnel(MAG2, LMAA, udp6(source, CN)), MAG2_MAC),
        "core",
        to_cn(udp6(source, CN, 63)),
        at=at,
    )


def stopped_down(*reasons, destination=MN1, at=None):
    """CN's packet ends at the LMA."""
    return drops("core", from_cn(udp6(CN, destination)), *reasons, at=at)


def stopped_up(*reasons, source=MN1, remote=MAG1, local=LMAA, at=None):
    """A tunnel's packet ends at the LMA."""
    return drops("transport", from_mag(tunnel(remote, local, udp6(source, CN))), *reasons, at=at)


def tunnel_known(at, remote=MAG1):
    """A stranger's packet tells whether there is a tunnel: its source is what is wrong."""
    return stopped_up("source-not-bound", source="2001:db8:7::7", remote=remote, at=at)


def tunnel_gone(at, remote=MAG1):
    """Or the tunnel itself."""
    return stopped_up("unknown-tunnel", source="2001:db8:7::7", remote=remote, at=at)


BINDINGS = [
    row(
        "R5213-6",
        "a de-registration by a MAG that is not the current one is stale and changes nothing",
        [to_mag1(at=0), to_mag2(MN1, 2), to_mag2(MN1, 4), from_mag2(MN1, 4.1), stopped_down("no-binding", at=6)],
        script=[
            *changes(1, lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")),
            *removes(3, {"table": "pmip", "prefix": HNP1, "expect": MAG1}),
            *removes(5, {"table": "pmip", "prefix": HNP1, "expect": MAG2}),
        ],
        events=[{"event": "refused"}],
    ),
    row(
        "R5213-7",
        "the wait of ten seconds: dropped both ways, revived at 9.9 s",
        [
            to_mag1(at=0),
            stopped_down("deregistering", at=1.1),
            stopped_up("deregistering", at=1.2),
            stopped_down("deregistering", at=10.8),
            to_mag1(at=10.95),
            from_mag1(at=10.96),
            to_mag1(at=30),
        ],
        records=[PMIP, KEEPER],
        script=[*changes(1, {**PMIP, "state": "deregistering"}), *changes(10.9, PMIP)],
    ),
    row(
        "R5213-7",
        "at its end the entry is gone, its tunnel only if nobody else has it",
        [
            to_mag1(at=0),
            stopped_down("deregistering", at=10.9),
            stopped_down("no-binding", at=11.1),
            stopped_up("source-not-bound", at=11.2),
            to_mag1(MN3, 11.3),
        ],
        records=[PMIP, KEEPER],
        script=changes(1, {**PMIP, "state": "deregistering"}),
        events=[{"event": "expired", "table": "pmip", "prefix": HNP1, "mn": "mn1", "reason": "deregistered"}],
    ),
    row(
        "R5213-7",
        "a MAG drops both ways as well",
        [
            forwards(
                "access1", from_mn(udp6(MN1, CN)), "transport", to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))), at=0
            ),
            drops("access1", from_mn(udp6(MN1, CN)), "deregistering", at=2),
            drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1))), "deregistering", at=2.1),
        ],
        records=MAG_RECORDS,
        configuration=MAG,
        script=changes(1, at_mag(HNP1, MN1_MAC, "access1", "mn1", state="deregistering")),
    ),
    row(
        "S-46",
        "one of a mobile node's prefixes ages out, with an event, and the other does not",
        [to_mag1(at=0), stopped_down("no-binding", "expired", at=2.1), to_mag1("2001:db8:100:7::1", 2.2)],
        records=[{**PMIP, "lifetime": 2}, lma_binding("2001:db8:100:7::/64", MAG1, local=LMAA, mn="mn1")],
        events=[{"event": "expired", "table": "pmip", "prefix": HNP1, "mn": "mn1", "reason": "lifetime"}],
    ),
    row(
        "R5213-28",
        "a mobile node with several sessions has a binding for each",
        [to_mag1(at=0), to_mag2("2001:db8:100:7::1", 0.1), stopped_down("no-binding", at=2)]
        + [to_mag2("2001:db8:100:7::1", 2.1)],
        records=[PMIP, lma_binding("2001:db8:100:7::/64", MAG2, local=LMAA, mn="mn1")],
        script=removes(1, {"table": "pmip", "prefix": HNP1}),
    ),
]

TUNNELS = [
    row(
        "S-7",
        "a tunnel lives as long as the longest lifetime among its users",
        [tunnel_known(0), tunnel_known(9.9), tunnel_known(10.1), tunnel_known(29.9), tunnel_gone(30.1)],
        records=[{**PMIP, "lifetime": 10}, {**KEEPER, "lifetime": 30}],
    ),
    row(
        "S-7",
        "without the longest it lives as long as the next one",
        [tunnel_known(0), tunnel_known(9.9), tunnel_gone(10.1)],
        records=[{**PMIP, "lifetime": 10}, {**KEEPER, "lifetime": 30}],
        script=removes(1, {"table": "pmip", "prefix": f"{MN3}/128"}),
    ),
    row(
        "S-7",
        "a refresh prolongs it",
        [tunnel_known(0), tunnel_known(30), tunnel_known(64.9), tunnel_gone(65.1)],
        records=[{**PMIP, "lifetime": 10}],
        script=changes(5, {**PMIP, "lifetime": 60}),
    ),
    row(
        "S-6",
        "a handover moves the user: the old tunnel goes with its last, the new one is there at once",
        [tunnel_known(0), tunnel_gone(0.1, MAG2), tunnel_known(2, MAG2), tunnel_gone(2.1)],
        records=[PMIP],
        script=changes(1, lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")),
    ),
    row(
        "S-6",
        "the same binding twice counts once",
        [tunnel_known(0), tunnel_gone(3)],
        records=[PMIP],
        script=[*changes(1, PMIP), *removes(2, {"table": "pmip", "prefix": HNP1})],
    ),
    row(
        "S-8",
        "a static tunnel needs no user",
        [tunnel_known(0), tunnel_known(3), tunnel_gone(5)],
        records=[{"tunnel": {"local": LMAA, "remote": MAG1}, "static": True}, {**PMIP, "lifetime": 1}],
        script=removes(4, {"tunnel": {"local": LMAA, "remote": MAG1}}),
    ),
    row(
        "R5213-4",
        "a MAG that registered with another of our addresses has another tunnel",
        [
            forwards(
                "core",
                from_cn(udp6(CN, MN1)),
                "transport",
                to_mag(tunnel(LMAA2, MAG1, udp6(CN, MN1, 63))),
                at=0,
            ),
            stopped_up("unknown-tunnel", at=0.1),
            to_mag1(at=2),
            stopped_up("unknown-tunnel", local=LMAA2, at=2.1),
        ],
        records=[lma_binding(HNP1, MAG1, local=LMAA2, mn="mn1")],
        script=changes(1, PMIP),
    ),
]

FAILED = {"peer": MAG1, "state": "failed"}
ALIVE = {"peer": MAG1, "state": "alive"}
PEERS = [
    row(
        "R5847-1",
        "a failed peer's bindings drop both ways, the other's go on; and back",
        [
            to_mag1(at=0),
            stopped_down("peer-down", at=2),
            stopped_up("peer-down", at=2.1),
            stopped_down("peer-down", destination=MN3, at=2.2),
            drops("core", from_cn(udp4(CN4, HOA1)), "peer-down", at=2.3),
            to_mag2(at=2.4),
            from_mag2(at=2.5),
            to_mag1(at=4),
            from_mag1(at=4.1),
        ],
        script=[*changes(1, FAILED), *changes(3, ALIVE)],
    ),
    row(
        "R5847-1",
        "forgetting the peer ends its failure",
        [stopped_down("peer-down", at=0), to_mag1(at=2)],
        records=[*LMA_RECORDS, FAILED],
        script=removes(1, {"peer": MAG1}),
    ),
    row(
        "R5847-1",
        "bindings made meanwhile are invalid, too; those moved away are not",
        [
            to_mag1(at=0),
            stopped_down("peer-down", destination="2001:db8:100:7::1", at=2),
            to_mag2(MN1, 4),
            stopped_down("peer-down", destination=MN3, at=4.1),
        ],
        script=[
            *changes(0.5, FAILED),
            *changes(1, lma_binding("2001:db8:100:7::/64", MAG1, local=LMAA, mn="mn7")),
            *changes(3, lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")),
        ],
    ),
    row(
        "R5847-1",
        "by whichever of our addresses the peer is reached",
        [stopped_down("peer-down", at=0), stopped_down("peer-down", destination="2001:db8:100:7::1", at=0.1)],
        records=[PMIP, lma_binding("2001:db8:100:7::/64", MAG1, local=LMAA2, mn="mn7"), FAILED],
    ),
    row(
        "R5847-1",
        "from tunnel to tunnel: the departing one counts as well",
        [drops("transport", from_mag(tunnel(MAG2, LMAA, udp6(MN2, MN1)), MAG2_MAC), "peer-down")],
        records=[*LMA_RECORDS, FAILED],
    ),
    row(
        "R5847-1",
        "at a MAG the LMA is the peer",
        [
            drops("access1", from_mn(udp6(MN1, CN)), "peer-down", at=2),
            drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1))), "peer-down", at=2.1),
            forwards(
                "access1", from_mn(udp6(MN1, CN)), "transport", to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))), at=0
            ),
        ],
        records=MAG_RECORDS,
        configuration=MAG,
        script=changes(1, {"peer": LMAA, "state": "failed"}),
    ),
    row(
        "R5847-1",
        "an interrupted wait goes on: what expires while the peer is down is gone when it is back",
        [to_mag1(at=0), stopped_down("peer-down", at=2), stopped_down("no-binding", at=6), to_mag1(MN3, 6.1)],
        records=[{**PMIP, "lifetime": 4}, KEEPER],
        script=[*changes(1, FAILED), *changes(5, ALIVE)],
    ),
    row(
        "R5846-1",
        "one call takes all bindings of a peer, in both tables, and no one else's",
        [
            to_mag1(at=0),
            stopped_down("no-binding", at=2),
            stopped_down("no-binding", destination=MN3, at=2.1),
            drops("core", from_cn(udp4(CN4, HOA1)), "no-binding", at=2.2),
            stopped_down("no-binding", destination="2001:db8:100:7::1", at=2.3),
            stopped_up("unknown-tunnel", at=2.4),
            to_mag2(at=2.5),
            from_mag2(at=2.6),
        ],
        records=[*LMA_RECORDS, lma_binding("2001:db8:100:7::1/128", MAG1, local=LMAA, table="mip")],
        script=removes(1, {"remote": MAG1}),
    ),
    row(
        "R5846-1",
        "or those of one table",
        [
            to_mag1("2001:db8:100:7::1", 0),
            stopped_down("no-binding", at=2),
            to_mag1("2001:db8:100:7::1", 2.1),
        ],
        records=[*LMA_RECORDS, lma_binding("2001:db8:100:7::1/128", MAG1, local=LMAA, table="mip")],
        script=removes(1, {"table": "pmip", "remote": MAG1}),
    ),
    row(
        "R5846-1",
        "the peer may register again at once",
        [to_mag1(at=0), stopped_down("no-binding", destination=MN3, at=2), to_mag1(at=2.1), from_mag1(at=2.2)],
        script=[*removes(1, {"remote": MAG1}), *changes(1.5, PMIP)],
    ),
]


class Bindings(Conformance):
    """Registered, refreshed, waiting, gone."""

    rows = BINDINGS


class Tunnels(Conformance):
    """As long as they are used."""

    rows = TUNNELS


class Peers(Conformance):
    """Heartbeats that stop (RFC 5847), bulk revocation (RFC 5846)."""

    rows = PEERS


if __name__ == "__main__":
    unittest.main()
