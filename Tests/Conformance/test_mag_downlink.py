"""MAG, out of the tunnel to the mobile node."""

import unittest

from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *


def row(identifier, title, steps, *, configuration=MAG, records=MAG_RECORDS, **more):
    """A row on MAG1."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def down(inner_in, inner_out, port_name="access1", mac=MN1_MAC, lma=LMAA, **outer):
    """One packet from the LMA to a mobile node."""
    return forwards("transport", from_lma(tunnel(lma, MAG1, inner_in, **outer)), port_name, to_mn(inner_out, mac))


def stopped(inner, *reasons, lma=LMAA):
    """One tunnel packet that ends at the MAG."""
    return drops("transport", from_lma(tunnel(lma, MAG1, inner)), *reasons)


DELIVERED = [
    row(
        "R5213-13",
        "to the access link of the inner destination, from the fixed MAC",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63)), down(udp6(CN, MN2), udp6(CN, MN2, 63), "access2", MN2_MAC)],
        counters={f"tunnel.{MAG1}.{LMAA}.down.packets": 2},
    ),
    row("R5213-13", "IPv4 to the home address", [down(udp4(CN4, HOA1), udp4(CN4, HOA1, 63))]),
    row(
        "R5949-9",
        "an interface identifier never seen goes to the mobile node of the prefix",
        [down(udp6(CN, "2001:db8:100:1:1234::9"), udp6(CN, "2001:db8:100:1:1234::9", 63))],
    ),
    row(
        "S-32",
        "the inner source does not matter: by the tunnel it is the LMA's word",
        [down(udp6(source, MN1), udp6(source, MN1, 63)) for source in ("2001:db8:7::1", MN2, "2001:db8:200::5")],
    ),
    row(
        "S-34",
        "two mobile nodes on one link: each gets its own unicast frame",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63)), down(udp6(CN, MN3), udp6(CN, MN3, 63), mac=MN3_MAC)],
    ),
    row(
        "S-36",
        "the access MAC is the fixed one of RFC 6543 by itself",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63))],
        configuration=MAG.with_(
            ports=[
                port("transport", "transport", mac=MAG_TRANSPORT_MAC, mtu=1600),
                port("access1", "access"),
                port("access2", "access"),
            ]
        ),
    ),
    row(
        "S-36",
        "another MAG emits the same Ethernet source",
        [forwards("transport", from_lma(tunnel(LMAA, MAG2, udp6(CN, MN1))), "access1", to_mn(udp6(CN, MN1, 63)))],
        configuration=MAG.with_(local_addresses=[MAG2], router_addresses=[MAG2]),
        records=[mag_binding(HNP1, local=MAG2, remote=LMAA, port="access1", mac=MN1_MAC)],
    ),
    row(
        "S-19",
        "each mobile node has its own LMA",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63)), down(udp6(CN, MN2), udp6(CN, MN2, 63), "access2", MN2_MAC, LMA2)],
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1"), at_mag(HNP2, MN2_MAC, "access2", "mn2", remote=LMA2)],
    ),
    row(
        "R8200-4",
        "an inner packet of any kind",
        [
            down(*(IPv6(src=CN, dst=MN1, hlim=hops, nh=nh) / Raw(b"z" * 24) for hops in (64, 63)))
            for nh in (50, 59, 139, 253)
        ],
    ),
]

STOPPED = [
    row(
        "R5213-14",
        "a destination that is not hosted here: silence on every port",
        [
            stopped(udp6(CN, "2001:db8:100:77::1"), "not-on-link"),
            stopped(udp6(CN, "2001:db8:7::7"), "not-on-link"),
            stopped(udp4(CN4, "203.0.113.77"), "not-on-link"),
            stopped(udp6(CN, "2001:db8:200::5"), "not-on-link"),
        ],
    ),
    row(
        "S-27",
        "an unknown outer source is not decapsulated",
        [stopped(udp6(CN, MN1), "unknown-tunnel", lma=ROGUE), stopped(udp4(CN4, HOA1), "unknown-tunnel", lma=ROGUE)],
    ),
    # The contract has no name for "right MAG, wrong LMA": the destination is not hosted for that tunnel, or the tunnel
    # is not its.
    row(
        "2.15",
        "from the LMA of another mobile node",
        [stopped(udp6(CN, MN1), "not-on-link", "source-not-bound", "unknown-tunnel", lma=LMA2)],
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1"), at_mag(HNP2, MN2_MAC, "access2", "mn2", remote=LMA2)],
    ),
    row(
        "S-33",
        "after the mobile node has left",
        [
            down(udp6(CN, MN1), udp6(CN, MN1, 63)),
            drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1))), "not-on-link", at=2),
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN2))),
                "access2",
                to_mn(udp6(CN, MN2, 63), MN2_MAC),
                at=2.1,
            ),
        ],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": prefix} for prefix in (HNP1, f"{HOA1}/32")],
    ),
    row(
        "R5844-8",
        "the IPv4 part leaves without the prefixes",
        [
            down(udp4(CN4, HOA1), udp4(CN4, HOA1, 63)),
            drops("transport", from_lma(tunnel(LMAA, MAG1, udp4(CN4, HOA1))), "not-on-link", at=2),
            forwards(
                "transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1))), "access1", to_mn(udp6(CN, MN1, 63)), at=2.1
            ),
        ],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": f"{HOA1}/32"}],
    ),
    row(
        "RPUNT-7",
        "a mobile node poses as the LMA on its own link",
        [
            drops("access1", from_mn(tunnel(LMAA, MAG1, udp6(CN, MN2))), "source-not-bound", "not-on-link"),
            drops("access1", from_mn(tunnel(LMAA, MAG1, udp4(CN4, HOA2))), "source-not-bound", "not-on-link"),
        ],
    ),
    row(
        "S-31",
        "a binding that is not accepted yet",
        [stopped(udp6(CN, MN1), "binding-pending")],
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1", state="pending")],
    ),
    row(
        "RPUNT-6",
        "an inner packet for the MAG itself",
        [
            punts(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MAG1))),
                "inner-local",
                kernel=Ether(src=GATEWAY_MAC, dst=MAG_TRANSPORT_MAC) / udp6(CN, MAG1),
            )
        ],
    ),
]


class Delivered(Conformance):
    """To the access link."""

    rows = DELIVERED


class Stopped(Conformance):
    """What never reaches an access link."""

    rows = STOPPED


if __name__ == "__main__":
    unittest.main()
