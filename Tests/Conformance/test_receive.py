"""Ethernet: whose frames these are, VLAN tags, and what an empty table does (section 2.16)."""

import unittest

from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from rows import Conformance, Row, drops, forwards, punts
from world import *

BROADCAST = "ff:ff:ff:ff:ff:ff"
TAGGED = [
    at_mag(HNP1, MN1_MAC, "access1", "mn1", vlan=100),
    at_mag(f"{HOA1}/32", MN1_MAC, "access1", "mn1", vlan=100),
    at_mag(HNP2, MN2_MAC, "access2", "mn2"),
]


def row(identifier, title, steps, *, configuration=MAG, records=MAG_RECORDS):
    """A row on the MAG unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def tagged(packet, *tags, source=MN1_MAC, destination=MAG_MAC):
    """A frame of the access link with VLAN tags."""
    frame = Ether(src=source, dst=destination)
    for tag in tags:
        frame = frame / tag
    return frame / packet


EMPTY = [
    row(
        "S-31",
        "without a binding nothing from the access link is forwarded, by the kernel neither",
        [
            drops("access1", from_mn(udp6(MN1, CN)), "source-not-bound"),
            drops("access1", from_mn(udp4(HOA1, CN4)), "source-not-bound"),
        ],
        records=[],
    ),
    row(
        "RX-1",
        "without a binding an LMA forwards nothing and keeps its pools",
        [
            drops("core", from_cn(udp6(CN, MN1)), "no-binding"),
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), "unknown-tunnel"),
            punts("core", from_cn(udp6(CN, "2001:db8:7::7")), "not-ours"),
        ],
        configuration=LMA,
        records=[],
    ),
    row(
        "RX-1",
        "a plain packet on a transport port is not ours",
        [
            punts("transport", from_mag(udp6(CN, MN1)), "not-ours"),
            punts("transport", from_mag(udp4(CN4, HOA1)), "not-ours"),
        ],
        configuration=LMA,
        records=LMA_RECORDS,
    ),
]

ADDRESSED = [
    row(
        "RX-4",
        "a frame for another MAC is not forwarded",
        [
            punts("access1", Ether(src=MN1_MAC, dst="02:00:00:00:99:99") / udp6(MN1, CN), "other-mac"),
            punts("access1", Ether(src=MN1_MAC, dst="02:00:00:00:99:99") / udp4(HOA1, CN4), "other-mac"),
        ],
    ),
    row(
        "RX-4",
        "nor at the LMA, in either direction",
        [
            punts("core", Ether(src=CN_MAC, dst="02:00:00:00:99:99") / udp6(CN, MN1), "other-mac"),
            punts(
                "transport",
                Ether(src=MAG1_MAC, dst="02:00:00:00:99:99") / tunnel(MAG1, LMAA, udp6(MN1, CN)),
                "other-mac",
            ),
            punts("core", Ether(src=CN_MAC, dst=MAG_MAC) / udp6(CN, MN1), "other-mac"),
        ],
        configuration=LMA,
        records=LMA_RECORDS,
    ),
    row(
        "R6543-1",
        "the fixed MAC is the access ports' alone",
        [punts("transport", Ether(src=GATEWAY_MAC, dst=MAG_MAC) / tunnel(LMAA, MAG1, udp6(CN, MN1)), "other-mac")],
    ),
    row(
        "RX-5",
        "a unicast packet in a broadcast frame: no forwarding, no ICMP error",
        [punts("access1", Ether(src=MN1_MAC, dst=BROADCAST) / udp6(MN1, CN, hops), "other-mac") for hops in (1, 64)],
    ),
    row(
        "RX-5",
        "the same at the LMA",
        [punts("core", Ether(src=CN_MAC, dst=BROADCAST) / udp6(CN, MN1, 1), "other-mac")],
        configuration=LMA,
        records=LMA_RECORDS,
    ),
]

VLAN = [
    row(
        "RX-3",
        "a tag on the access link ends at the MAG, and comes back for the way down",
        [
            forwards(
                "access1",
                tagged(udp6(MN1, CN), Dot1Q(vlan=100)),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))),
            ),
            forwards(
                "access1",
                tagged(udp4(HOA1, CN4), Dot1Q(vlan=100)),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp4(HOA1, CN4, 63))),
            ),
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1))),
                "access1",
                tagged(udp6(CN, MN1, 63), Dot1Q(vlan=100), source=MAG_MAC, destination=MN1_MAC),
            ),
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp4(CN4, HOA1))),
                "access1",
                tagged(udp4(CN4, HOA1, 63), Dot1Q(vlan=100), source=MAG_MAC, destination=MN1_MAC),
            ),
        ],
        records=TAGGED,
    ),
    row(
        "RX-3",
        "another tag, no tag, or a tag too many is not this mobile node's link",
        [
            drops("access1", tagged(udp6(MN1, CN), Dot1Q(vlan=101)), "not-on-link"),
            drops("access1", tagged(udp6(MN1, CN)), "not-on-link"),
            drops("access2", tagged(udp6(MN2, CN), Dot1Q(vlan=100), source=MN2_MAC), "not-on-link"),
            drops("access1", tagged(udp6(MN1, CN), Dot1AD(vlan=100), Dot1Q(vlan=100)), "not-on-link"),
        ],
        records=TAGGED,
    ),
    row(
        "RX-3",
        "untagged nodes on other ports are not touched by it",
        [
            forwards(
                "access2", from_mn(udp6(MN2, CN), MN2_MAC), "transport", to_lma(tunnel(MAG1, LMAA, udp6(MN2, CN, 63)))
            ),
            forwards(
                "transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, MN2))), "access2", to_mn(udp6(CN, MN2, 63), MN2_MAC)
            ),
        ],
        records=TAGGED,
    ),
]


class Empty(Conformance):
    """Empty tables."""

    rows = EMPTY


class Addressed(Conformance):
    """MAC addresses."""

    rows = ADDRESSED


class Tags(Conformance):
    """VLAN tags."""

    rows = VLAN


if __name__ == "__main__":
    unittest.main()
