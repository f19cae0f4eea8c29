"""A care-of address that is anchored at this very LMA: the tunnel packet is looked up again, with a bound."""

import unittest

from scapy.layers.inet6 import IPv6, MIP6MH_HoTI
from scapy.layers.l2 import Ether

from icmp import error6, too_big
from rows import Conformance, Row, answers, drops, forwards, punts
from world import *

# A chain of home addresses, all anchored here.
INNER = "2001:db8:100:51::5"
MIDDLE = "2001:db8:100:52::5"
OUTER = "2001:db8:100:53::5"
MNP = "2001:db8:100:60::/60"


def row(identifier, title, steps, *, records=(), configuration=LMA, **more):
    """A row on the LMA, where MN1 is at MAG1 and MN2 at MAG2."""
    return Row(identifier, title, configuration, steps, [*LMA_RECORDS, *records], **more)


def mip(address, care_of, **more):
    """A Mobile IPv6 binding of one home address, or of a prefix."""
    return lma_binding(address if "/" in address else f"{address}/128", care_of, local=LMAA, table="mip", **more)


def nested(inner, *remotes):
    """A packet behind one tunnel header of the LMA for each remote end, the innermost first."""
    for remote in remotes:
        inner = tunnel(LMAA, remote, inner)
    return inner


def down(destination, *remotes, mac=MAG1_MAC, at=None, make=udp6, source=CN):
    """CN's packet leaves with these headers."""
    return forwards(
        "core",
        from_cn(make(source, destination)),
        "transport",
        to_mag(nested(make(source, destination, 63), *remotes), mac),
        at=at,
    )


def stopped(destination, *reasons, at=None):
    """CN's packet ends at the LMA, silently."""
    return drops("core", from_cn(udp6(CN, destination)), *reasons, at=at)


def up(inner, *remotes):
    """A packet as a mobile node behind nested tunnels sends it."""
    for remote in remotes:
        inner = tunnel(remote, LMAA, inner)
    return from_mag(inner)


AT_MN1 = mip(INNER, MN1)
DOWNLINK = [
    row(
        "S-52",
        "the care-of address is a mobile node's home address: two headers of ours, each a tunnel's own",
        [down(INNER, MN1, MAG1)],
        records=[AT_MN1],
        counters={f"tunnel.{LMAA}.{MN1}.down.packets": 1, f"tunnel.{LMAA}.{MAG1}.down.packets": 1},
    ),
    row(
        "S-52",
        "it follows the outer binding's handover and its own",
        [
            down(INNER, MN1, MAG1, at=0),
            down(INNER, MN1, MAG2, mac=MAG2_MAC, at=2),
            down(INNER, MN2, MAG2, mac=MAG2_MAC, at=4),
        ],
        records=[AT_MN1],
        script=[
            {"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")},
            {"at": 3, "op": "set", **mip(INNER, MN2)},
        ],
    ),
    row(
        "S-52",
        "a whole prefix of a mobile router",
        [down("2001:db8:100:6f::77", MN1, MAG1), down("2001:db8:100:60::1", MN1, MAG1)],
        records=[mip(MNP, MN1)],
    ),
    row(
        "S-52",
        "from one mobile node to the other that is behind it",
        [
            forwards(
                "transport",
                from_mag(tunnel(MAG2, LMAA, udp6(MN2, INNER)), MAG2_MAC),
                "transport",
                to_mag(nested(udp6(MN2, INNER, 63), MN1, MAG1)),
            )
        ],
        records=[AT_MN1],
    ),
    row(
        "S-21",
        "the home agent and the anchor of its care-of address are one machine",
        [down(INNER, MN1, MAG1), down(MN1, MAG1)],
        records=[AT_MN1],
    ),
    row(
        "S-52",
        "nothing but an anchored care-of address is looked up again",
        [forwards("core", from_cn(udp6(CN, INNER)), "core", to_cn(nested(udp6(CN, INNER, 63), MIP_COA)))],
        records=[mip(INNER, MIP_COA)],
    ),
    row(
        "S-52",
        "a care-of address that nobody has",
        [stopped(INNER, "no-binding")],
        records=[mip(INNER, "2001:db8:100:9::1")],
    ),
    row(
        "S-52",
        "an outer binding that is not active",
        [stopped(INNER, "deregistering", at=0), down(INNER, MN1, MAG1, at=2), stopped(INNER, "binding-pending", at=4)],
        records=[AT_MN1, lma_binding(HNP1, MAG1, local=LMAA, mn="mn1", state="deregistering")],
        script=[
            {"at": 1, "op": "set", **lma_binding(HNP1, MAG1, local=LMAA, mn="mn1")},
            {"at": 3, "op": "set", **lma_binding(HNP1, MAG1, local=LMAA, mn="mn1", state="pending")},
        ],
    ),
    row(
        "S-52",
        "congestion marks are copied outwards from level to level",
        [
            forwards(
                "core",
                from_cn(udp6(CN, INNER, tc=0xB9)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, tunnel(LMAA, MN1, udp6(CN, INNER, 63, tc=0xB9), tc=0xB9), tc=0xB9)),
            )
        ],
        records=[AT_MN1],
    ),
    row(
        "S-52",
        "the room for both headers is counted: what is too large is answered with what fits",
        [
            forwards(
                "core",
                from_cn(udp6(CN, INNER, payload=b"x" * (1420 - 48))),
                "transport",
                to_mag(nested(udp6(CN, INNER, 63, payload=b"x" * (1420 - 48)), MN1, MAG1)),
            ),
            answers(
                "core",
                from_cn(udp6(CN, INNER, payload=b"x" * (1421 - 48))),
                "too-big",
                "core",
                to_cn(error6(LMAA, CN, too_big(1420), udp6(CN, INNER, payload=b"x" * (1421 - 48)))),
            ),
        ],
        configuration=LMA.with_(
            ports=[
                port("core", "core", mac=CORE_MAC, mtu=1500),
                port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
            ]
        ),
        records=[AT_MN1],
    ),
]

BOUND = [
    row(
        "R2473-15",
        "a mobile router's prefix that holds its own care-of address: dropped, no loop",
        [stopped(MN1, "loop"), stopped("2001:db8:100:1::77", "loop"), down(MN3, MAG1)],
        records=[mip(HNP1, MN1)],
    ),
    row(
        "R2473-15",
        "two care-of addresses that point at each other",
        [stopped(INNER, "loop"), stopped(MIDDLE, "loop")],
        records=[mip(INNER, MIDDLE), mip(MIDDLE, INNER)],
    ),
    row(
        "R2473-15",
        "two more look-ups at most",
        [down(MIDDLE, OUTER, MN1, MAG1), down(OUTER, MN1, MAG1), stopped(INNER, "loop")],
        records=[mip(INNER, MIDDLE), mip(MIDDLE, OUTER), mip(OUTER, MN1)],
    ),
    row(
        "R2473-15",
        "a ring of three",
        [stopped(address, "loop") for address in (INNER, MIDDLE, OUTER)],
        records=[mip(INNER, MIDDLE), mip(MIDDLE, OUTER), mip(OUTER, INNER)],
    ),
]

UPLINK = [
    row(
        "S-52",
        "reverse tunnelling through both: each header is removed by its own tunnel's rules",
        [forwards("transport", up(udp6(INNER, CN), MN1, MAG1), "core", to_cn(udp6(INNER, CN, 63)))],
        records=[AT_MN1],
        counters={f"tunnel.{LMAA}.{MN1}.up.packets": 1, f"tunnel.{LMAA}.{MAG1}.up.packets": 1},
    ),
    row(
        "S-28",
        "each level has its own source check",
        [
            drops("transport", up(udp6(MIDDLE, CN), MN1, MAG1), "source-not-bound"),
            drops("transport", up(udp6(INNER, CN), MN2, MAG1), "source-not-bound"),
            drops("transport", up(udp6(INNER, CN), MN1, ROGUE), "unknown-tunnel"),
            drops("transport", up(udp6(INNER, CN), MAG1), "source-not-bound"),
            # MN3 may send by MAG1, but is nobody's care-of address: a packet for the LMA itself, and nothing is opened.
            punts(
                "transport",
                up(udp6(INNER, CN), MN3, MAG1),
                "inner-local",
                kernel=Ether(src=MAG1_MAC, dst=TRANSPORT_MAC) / tunnel(MN3, LMAA, udp6(INNER, CN)),
            ),
        ],
        records=[AT_MN1],
    ),
    row(
        "S-47",
        "a Home Test Init of a Mobile IPv6 home address passes, nested or not; the proxied one does not",
        [
            forwards(
                "transport",
                up(IPv6(src=INNER, dst=CN) / MIP6MH_HoTI(), MN1, MAG1),
                "core",
                to_cn(IPv6(src=INNER, dst=CN, hlim=63) / MIP6MH_HoTI()),
            ),
            drops("transport", up(IPv6(src=MN1, dst=CN) / MIP6MH_HoTI(), MAG1), "hoti-proxy"),
        ],
        records=[AT_MN1],
    ),
    row(
        "R6612-1",
        "the outer look-up asks Mobile IPv6 first as well",
        [
            forwards("core", from_cn(udp6(CN, INNER)), "core", to_cn(nested(udp6(CN, INNER, 63), MN1, MIP_COA))),
            forwards("core", from_cn(udp6(CN, MN1)), "core", to_cn(nested(udp6(CN, MN1, 63), MIP_COA))),
        ],
        records=[AT_MN1, mip(MN1, MIP_COA)],
    ),
]


class Downlink(Conformance):
    """Header upon header."""

    rows = DOWNLINK


class Bound(Conformance):
    """Where it ends."""

    rows = BOUND


class Uplink(Conformance):
    """Header behind header."""

    rows = UPLINK


if __name__ == "__main__":
    unittest.main()
