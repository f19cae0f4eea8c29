"""A router on a stick: one port that is core and transport at once (CONTRACT, "One port may carry several kinds")."""

import unittest

from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

STICK = LMA.with_(
    ports=[port("stick", ["core", "transport"], mac=CORE_MAC, mtu=1600)],
    routes=[{**route, "port": "stick"} for route in LMA.values["routes"]],
    neighbors=[{**neighbor, "port": "stick"} for neighbor in LMA.values["neighbors"]],
)


def arrives(packet, mac, tag=None):
    """A frame to the one port."""
    return Ether(src=mac, dst=CORE_MAC) / (packet if tag is None else Dot1Q(vlan=tag) / packet)


def leaves(packet, mac):
    """A frame from the one port."""
    return Ether(src=CORE_MAC, dst=mac) / packet


def limited(source, destination, inner):
    """A tunnel packet as Linux sends it: with the encapsulation limit's options (RFC 2473 section 4.1.1)."""
    options = Raw(b"\x29\x00\x04\x01\x04\x01\x01\x00")
    return IPv6(src=source, dst=destination, hlim=64, nh=60) / options / inner


def row(identifier, title, steps):
    """A row on the anchor with one port."""
    return Row(identifier, title, STICK, steps, list(LMA_RECORDS))


ROWS = [
    row(
        "RX-1",
        "one port, all directions",
        [
            forwards(
                "stick",
                arrives(udp6(CN, MN1), CN_MAC),
                "stick",
                leaves(tunnel(LMAA, MAG1, udp6(CN, MN1, 63)), MAG1_MAC),
            ),
            forwards(
                "stick",
                arrives(tunnel(MAG1, LMAA, udp6(MN1, CN)), MAG1_MAC),
                "stick",
                leaves(udp6(MN1, CN, 63), CN_MAC),
            ),
            forwards(
                "stick",
                arrives(tunnel(MAG1, LMAA, udp4(HOA1, HOA2)), MAG1_MAC),
                "stick",
                leaves(tunnel(LMAA, MAG2, udp4(HOA1, HOA2, 63)), MAG2_MAC),
            ),
        ],
    ),
    row(
        "R2473-13",
        "from tunnel to tunnel with options in front of the inner packet, untagged and tagged",
        [
            forwards(
                "stick",
                arrives(limited(MAG1, LMAA, udp6(MN1, MN2)), MAG1_MAC, tag),
                "stick",
                leaves(tunnel(LMAA, MAG2, udp6(MN1, MN2, 63)), MAG2_MAC),
            )
            for tag in (None, 7)
        ],
    ),
    row(
        "R2473-13",
        "the largest options header, and one that leaves no room for a packet",
        [
            forwards(
                "stick",
                arrives(
                    IPv6(src=MAG1, dst=LMAA, nh=60)
                    / Raw(b"\x29\xff" + (b"\x01\xfc" + bytes(252)) * 8 + b"\x01\x0c" + bytes(12))
                    / udp6(MN1, MN2),
                    MAG1_MAC,
                ),
                "stick",
                leaves(tunnel(LMAA, MAG2, udp6(MN1, MN2, 63)), MAG2_MAC),
            ),
            drops("stick", arrives(IPv6(src=MAG1, dst=LMAA, nh=60) / Raw(b"\x29\x00\x01\x04" + bytes(4)), MAG1_MAC)),
        ],
    ),
    row(
        "RX-1",
        "one port, the checks of both kinds",
        [
            drops("stick", arrives(udp6(MN2, MN1), CN_MAC), "martian"),
            drops("stick", arrives(tunnel(MAG2, LMAA, udp6(MN1, CN)), MAG2_MAC), "source-not-bound"),
            drops("stick", arrives(udp6(CN, "2001:db8:100:9::1"), CN_MAC), "no-binding"),
            punts("stick", arrives(udp6(CN, MAG1), CN_MAC), "not-ours"),
        ],
    ),
]


class OnePort(Conformance):
    """Core and transport by one port."""

    rows = ROWS


if __name__ == "__main__":
    unittest.main()
