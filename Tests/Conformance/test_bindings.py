"""Which binding a packet meets: two tables, their order, their states and their ends."""

import unittest

from rows import Conformance, Row, drops, forwards
from world import *

COA_MAC = CN_MAC  # the care-of address is reached by the core's default route
MIP_HOST = lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip")
MIP_PREFIX = lma_binding(HNP1, MIP_COA, local=LMAA, table="mip")
PMIP = lma_binding(HNP1, MAG1, local=LMAA, mn="mn1")


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS, **more):
    """A row on the LMA."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def to_mag1(destination, at=None, source=CN, remote=MAG1, mac=MAG1_MAC):
    """CN's packet leaves to a MAG."""
    return forwards(
        "core",
        from_cn(udp6(source, destination)),
        "transport",
        to_mag(tunnel(LMAA, remote, udp6(source, destination, 63)), mac),
        at=at,
    )


def to_coa(destination, at=None, coa=MIP_COA):
    """CN's packet leaves to a care-of address, by the core port's default route."""
    return forwards(
        "core", from_cn(udp6(CN, destination)), "core", to_cn(tunnel(LMAA, coa, udp6(CN, destination, 63))), at=at
    )


def gone(destination, *reasons, at=None):
    """CN's packet ends at the LMA."""
    return drops("core", from_cn(udp6(CN, destination)), *reasons, at=at)


TABLES = [
    row("S-10", "Mobile IPv6 bindings are asked first", [to_coa(MN1)], records=[PMIP, MIP_HOST]),
    row("S-10", "in whatever order they were made", [to_coa(MN1)], records=[MIP_HOST, PMIP]),
    row("S-48", "a Mobile IPv6 binding alone", [to_coa(MN1)], records=[MIP_HOST]),
    row(
        "S-11",
        "deleting the proxy binding leaves the Mobile IPv6 one",
        [to_coa(MN1), to_coa(MN1, at=2)],
        records=[MIP_HOST, PMIP],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": HNP1}],
    ),
    row(
        "S-11",
        "deleting the Mobile IPv6 binding brings the proxy one back at once",
        [to_coa(MN1), to_mag1(MN1, at=2)],
        records=[MIP_HOST, PMIP],
        script=[{"at": 1, "op": "delete", "table": "mip", "prefix": f"{MN1}/128"}],
    ),
    row(
        "S-12",
        "precedence is by table, not by prefix length",
        [to_coa(MN3), to_coa("2001:db8:200::99")],
        records=[lma_binding(SHARED, MIP_COA, local=LMAA, table="mip"), lma_binding(f"{MN3}/128", MAG1, local=LMAA)],
    ),
    row(
        "S-13",
        "a home address is one address: its neighbours stay with the proxy binding",
        [to_coa(MN1), to_mag1("2001:db8:100:1::11"), to_mag1("2001:db8:100:1::f")],
        records=[PMIP, MIP_HOST],
    ),
    row(
        "S-14",
        "with the mobile router flag the whole prefix moves",
        [to_coa(MN1), to_coa("2001:db8:100:1::11"), to_coa("2001:db8:100:1:ffff::1")],
        records=[PMIP, MIP_PREFIX],
    ),
    row(
        "S-49",
        "a fresh proxy binding does not repair a stale Mobile IPv6 one",
        [to_coa(MN1), to_coa(MN1, at=2)],
        records=[MIP_HOST, PMIP],
        script=[{"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")}],
    ),
]

CHANGES = [
    row(
        "R5213-4",
        "a handover is one replacement",
        [to_mag1(MN1), to_mag1(MN1, at=2, remote=MAG2, mac=MAG2_MAC), to_mag1(MN1, at=4)],
        script=[
            {"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")},
            {"at": 3, "op": "set", **PMIP},
        ],
    ),
    row(
        "R5213-8",
        "of two prefixes only the removed one stops",
        [
            to_mag1(MN1),
            to_mag1("2001:db8:100:7::1"),
            gone(MN1, "no-binding", at=2),
            to_mag1("2001:db8:100:7::1", at=2.1),
        ],
        records=[PMIP, lma_binding("2001:db8:100:7::/64", MAG1, local=LMAA, mn="mn1")],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": HNP1}],
    ),
    row(
        "S-51",
        "a stale delete changes nothing",
        [to_mag1(MN1), to_mag1(MN1, at=3, remote=MAG2, mac=MAG2_MAC)],
        script=[
            {"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")},
            {"at": 2, "op": "delete", "table": "pmip", "prefix": HNP1, "expect": MAG1},
        ],
    ),
    row(
        "S-9",
        "the tunnel outlives the first of its users",
        [to_mag1(MN1), gone(MN1, "no-binding", at=2), to_mag1(MN3, at=2.1)],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": prefix} for prefix in (HNP1, f"{HOA1}/32")],
    ),
    row(
        "R5213-4",
        "operations happen at their times, in whatever order the script has them",
        [to_mag1(MN1), to_mag1(MN1, at=2, remote=MAG2, mac=MAG2_MAC), to_mag1(MN1, at=4)],
        script=[
            {"at": 3, "op": "set", **PMIP},
            {"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")},
        ],
    ),
]

DEREGISTERING = {**PMIP, "state": "deregistering"}
# Another binding keeps the tunnel to MAG1, so that the inner source is what decides on the uplink.
NEIGHBOUR = lma_binding(HNP2, MAG1, local=LMAA, mn="mn2")


def uplink_stopped(*reasons, at=None):
    """MN1's packet from MAG1 ends at the LMA."""
    return drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), *reasons, at=at)


STATES = [
    row(
        "S-31",
        "a pending binding forwards nothing, both ways",
        [gone(MN1, "binding-pending"), uplink_stopped("binding-pending")],
        records=[{**PMIP, "state": "pending"}, NEIGHBOUR],
    ),
    row(
        "S-45",
        "de-registration: dropped both ways for the wait, then gone",
        [
            gone(MN1, "deregistering"),
            uplink_stopped("deregistering"),
            gone(MN1, "deregistering", at=9.9),
            uplink_stopped("deregistering", at=9.91),
            gone(MN1, "no-binding", at=10.1),
            uplink_stopped("source-not-bound", at=10.11),
        ],
        records=[DEREGISTERING, NEIGHBOUR],
    ),
    row(
        "S-45",
        "the wait is configurable",
        [gone(MN1, "deregistering", at=0), gone(MN1, "deregistering", at=1.9), gone(MN1, "no-binding", at=2.1)],
        configuration=LMA.with_(min_delay_before_bce_delete="2s"),
        records=[DEREGISTERING],
    ),
    row(
        "S-45",
        "a new registration ends the wait at once",
        [
            gone(MN1, "deregistering"),
            to_mag1(MN1, at=9.9, remote=MAG2, mac=MAG2_MAC),
            to_mag1(MN1, at=20, remote=MAG2, mac=MAG2_MAC),
        ],
        records=[DEREGISTERING, NEIGHBOUR],
        script=[{"at": 9.8, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")}],
    ),
    # The entry may still be known as expired, or be gone already: either name tells the operator.
    row(
        "S-46",
        "an entry that is not refreshed ages out by itself",
        [
            to_mag1(MN1),
            to_mag1(MN1, at=1.9),
            gone(MN1, "expired", "no-binding", at=2.1),
            gone(MN1, "expired", "no-binding", at=60),
            to_mag1(MN2, at=60.1, remote=MAG1),
        ],
        records=[{**PMIP, "lifetime": 2}, NEIGHBOUR],
    ),
    row(
        "S-46",
        "a refresh in time keeps it",
        [to_mag1(MN1), to_mag1(MN1, at=2.9), gone(MN1, "expired", "no-binding", at=3.2)],
        records=[{**PMIP, "lifetime": 2}],
        script=[{"at": 1, "op": "set", **PMIP, "lifetime": 2}],
    ),
    row(
        "R6275-10",
        "an expired Mobile IPv6 binding is not used",
        [to_coa(MN1), to_mag1(MN1, at=2.1)],
        records=[{**MIP_HOST, "lifetime": 2}, PMIP],
    ),
]


class Tables(Conformance):
    """Mobile IPv6 first, then Proxy Mobile IPv6."""

    rows = TABLES


class Changes(Conformance):
    """Handover, removal."""

    rows = CHANGES


class States(Conformance):
    """Pending, de-registering, expired."""

    rows = STATES


if __name__ == "__main__":
    unittest.main()
