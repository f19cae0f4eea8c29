"""LMA: who may send what through which tunnel (the decision table of section 2.15)."""

import unittest

from rows import Conformance, Row, drops, forwards
from world import *

MIP = lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip")


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS, **more):
    """A row on the LMA."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def up(inner_in, inner_out, remote=MAG1, mac=MAG1_MAC, **outer):
    """One packet out of a tunnel to the core."""
    arrives, leaves = uplink(inner_in, inner_out, remote, mac, **outer)
    return forwards("transport", arrives, "core", leaves)


def stopped(inner, *reasons, remote=MAG1, mac=MAG1_MAC, local=LMAA):
    """One tunnel packet that ends at the LMA."""
    return drops("transport", from_mag(tunnel(remote, local, inner), mac), *reasons)


AUTHORIZED = [
    row(
        "S-27",
        "an unknown outer source is not decapsulated",
        [
            stopped(udp6(MN1, CN), "unknown-tunnel", remote=ROGUE),
            stopped(udp4(HOA1, CN4), "unknown-tunnel", remote=ROGUE),
        ],
    ),
    row(
        "S-28",
        "a source bound to another tunnel",
        [
            stopped(udp6(MN1, CN), "source-not-bound", remote=MAG2, mac=MAG2_MAC),
            stopped(udp4(HOA1, CN4), "source-not-bound", remote=MAG2, mac=MAG2_MAC),
            stopped(udp6(MN3, CN), "source-not-bound", remote=MAG2, mac=MAG2_MAC),
        ],
    ),
    row(
        "S-28",
        "a source without a binding",
        [
            stopped(udp6("2001:db8:100:9::1", CN), "source-not-bound"),
            stopped(udp6("2001:db8:7::7", CN), "source-not-bound"),
            stopped(udp4("203.0.113.11", CN4), "source-not-bound"),
            stopped(udp6("2001:db8:200::5", CN), "source-not-bound"),
        ],
    ),
    row(
        "S-28",
        "the other of our own addresses is another tunnel",
        [drops("transport", from_mag(tunnel(MAG1, LMAA2, udp6(MN1, CN))), "unknown-tunnel")],
    ),
    row(
        "S-28",
        "to another mobile node: the source check comes first",
        [stopped(udp6(MN1, MN2), "source-not-bound", remote=MAG2, mac=MAG2_MAC)],
    ),
    row(
        "2.15",
        "Mobile IPv6: the outer source is the care-of address of the inner source",
        [
            forwards("core", from_cn(tunnel(MIP_COA, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63))),
            drops("core", from_cn(tunnel("2001:db8:f::e", LMAA, udp6(MN1, CN))), "unknown-tunnel"),
            drops("core", from_cn(tunnel(MIP_COA, LMAA, udp6(MN2, CN))), "source-not-bound"),
            drops("core", from_cn(tunnel(MIP_COA, LMAA, udp6("2001:db8:100:1::11", CN))), "source-not-bound"),
        ],
        records=[*LMA_RECORDS, MIP],
    ),
    row(
        "2.15",
        "just after a handover the old Proxy-CoA is a stranger",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63)),
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), "source-not-bound", at=2),
            forwards(
                "transport",
                from_mag(tunnel(MAG2, LMAA, udp6(MN1, CN)), MAG2_MAC),
                "core",
                to_cn(udp6(MN1, CN, 63)),
                at=2.1,
            ),
        ],
        script=[{"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")}],
    ),
    row(
        "2.15",
        "core packets from one of our own pool addresses",
        [
            drops("core", from_cn(udp6(MN2, MN1)), "martian"),
            drops("core", from_cn(udp4(HOA2, HOA1)), "martian"),
            drops("core", from_cn(udp6("2001:db8:100:99::1", MN1)), "martian"),
        ],
    ),
    row(
        "2.15",
        "core packets from pool addresses where policy allows them",
        [forwards("core", from_cn(udp6(MN2, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(MN2, MN1, 63))))],
        configuration=LMA.with_(pool_sources="allow"),
    ),
]


class Authorized(Conformance):
    """Who may send what."""

    rows = AUTHORIZED


if __name__ == "__main__":
    unittest.main()
