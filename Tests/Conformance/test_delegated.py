"""Prefixes behind a mobile node (RFC 7148), a home agent behind the anchor, and both caches for one node."""

import unittest

from scapy.layers.inet6 import IPv6, MIP6MH_BU

from rows import Conformance, Row, drops, forwards, punts
from world import *

DMNP = "2001:db8:100:300::/56"
LFN = "2001:db8:100:301::5"  # a host behind the mobile router
BEYOND = "2001:db8:100:400::5"  # just outside
DMNP4, LFN4, BEYOND4 = "203.0.113.64/28", "203.0.113.79", "203.0.113.80"
HOME_AGENT = "2001:db8:88::1"


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


AT_LMA = [*LMA_RECORDS, lma_binding(DMNP, MAG1, local=LMAA, mn="mn1"), lma_binding(DMNP4, MAG1, local=LMAA, mn="mn1")]
AT_MAG = [
    *MAG_RECORDS,
    at_mag(DMNP, MN1_MAC, "access1", "mn1"),
    at_mag(DMNP4, MN1_MAC, "access1", "mn1"),
]
DELEGATED = [
    row(
        "R7148-1",
        "the MAG tunnels what comes from a delegated prefix, IPv6 and IPv4, and nothing else",
        [
            forwards("access1", from_mn(udp6(LFN, CN)), "transport", to_lma(tunnel(MAG1, LMAA, udp6(LFN, CN, 63)))),
            forwards("access1", from_mn(udp4(LFN4, CN4)), "transport", to_lma(tunnel(MAG1, LMAA, udp4(LFN4, CN4, 63)))),
            drops("access1", from_mn(udp6(BEYOND, CN)), "source-not-bound"),
            drops("access1", from_mn(udp4(BEYOND4, CN4)), "source-not-bound"),
        ],
        configuration=MAG,
        records=AT_MAG,
    ),
    row(
        "R7148-2",
        "the MAG delivers to the mobile router, whoever is behind it",
        [
            forwards("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, LFN))), "access1", to_mn(udp6(CN, LFN, 63))),
            forwards("transport", from_lma(tunnel(LMAA, MAG1, udp4(CN4, LFN4))), "access1", to_mn(udp4(CN4, LFN4, 63))),
            drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, BEYOND))), "not-on-link"),
        ],
        configuration=MAG,
        records=AT_MAG,
    ),
    row(
        "R7148-3",
        "the LMA tunnels to a delegated prefix, and takes its packets only from that tunnel",
        [
            forwards("core", from_cn(udp6(CN, LFN)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, LFN, 63)))),
            forwards("core", from_cn(udp4(CN4, LFN4)), "transport", to_mag(tunnel(LMAA, MAG1, udp4(CN4, LFN4, 63)))),
            forwards("transport", from_mag(tunnel(MAG1, LMAA, udp6(LFN, CN))), "core", to_cn(udp6(LFN, CN, 63))),
            drops("transport", from_mag(tunnel(MAG2, LMAA, udp6(LFN, CN)), MAG2_MAC), "source-not-bound"),
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(BEYOND, CN))), "source-not-bound"),
        ],
        records=AT_LMA,
    ),
]

NESTED = [
    row(
        "S-21",
        "a home agent's tunnel packet to a mobile node is tunnelled again, and its answer comes back",
        [
            forwards(
                "core",
                from_cn(tunnel(HOME_AGENT, MN1, udp6(CN, "2001:db8:88:1::1"))),
                "transport",
                to_mag(tunnel(LMAA, MAG1, tunnel(HOME_AGENT, MN1, udp6(CN, "2001:db8:88:1::1"), hops=63))),
            ),
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, tunnel(MN1, HOME_AGENT, udp6("2001:db8:88:1::1", CN)))),
                "core",
                to_cn(tunnel(MN1, HOME_AGENT, udp6("2001:db8:88:1::1", CN), hops=63)),
            ),
        ],
    ),
    row(
        "S-53",
        "the mobile router flag holds for checks too: any source of the prefix by its tunnel",
        [
            forwards(
                "transport",
                from_mag(tunnel(MIP_COA, LMAA, udp6("2001:db8:100:1::77", CN))),
                "core",
                to_cn(udp6("2001:db8:100:1::77", CN, 63)),
            ),
            drops("transport", from_mag(tunnel(MIP_COA, LMAA, udp6("2001:db8:100:5::77", CN))), "source-not-bound"),
        ],
        records=[*LMA_RECORDS, lma_binding(HNP1, MIP_COA, local=LMAA, table="mip")],
    ),
    Row(
        "S-50",
        "ending the Mobile IPv6 binding leaves the proxy binding forwarding both ways",
        LMA,
        [
            forwards(
                "core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63))), at=2.0
            ),
            forwards(
                "transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63)), at=2.1
            ),
            drops("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(MN1, CN))), "unknown-tunnel", at=2.2),
            punts("core", from_cn(IPv6(src=CN, dst=LMAA) / MIP6MH_BU()), "local", at=0.0),
        ],
        [*LMA_RECORDS, lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip")],
        [{"at": 1.0, "op": "delete", "table": "mip", "prefix": f"{MN1}/128"}],
    ),
]

ROUTED4 = forwards("access1", from_mn(udp4(HOA1, HOA2)), "access2", to_mn(udp4(HOA1, HOA2, 63), MN2_MAC))
TUNNELLED4 = forwards(
    "access1", from_mn(udp4(HOA1, HOA2)), "transport", to_lma(tunnel(MAG1, LMAA, udp4(HOA1, HOA2, 63)))
)
LOCAL4 = [
    row(
        "R5844-4",
        "local routing off: IPv4 between two mobile nodes of one MAG is tunnelled",
        [TUNNELLED4],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R5844-4",
        "local routing on: it stays here",
        [ROUTED4],
        configuration=MAG.with_(local_routing=True),
        records=MAG_RECORDS,
    ),
]


class Delegated(Conformance):
    """RFC 7148."""

    rows = DELEGATED


class Nested(Conformance):
    """Home agents beside the anchor and in it."""

    rows = NESTED


class LocalIPv4(Conformance):
    """RFC 5844 section 3.2.4."""

    rows = LOCAL4


if __name__ == "__main__":
    unittest.main()
