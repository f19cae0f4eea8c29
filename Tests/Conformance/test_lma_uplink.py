"""LMA, out of the tunnel: to the core, to another tunnel, to the kernel, or nowhere."""

import unittest

from scapy.layers.inet6 import HBHOptUnknown, IPv6, IPv6ExtHdrDestOpt, PadN
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

ENCAPSULATION_LIMIT = HBHOptUnknown(otype=4, optlen=1, optdata=b"\x04")


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


def across(inner_in, inner_out, arriving=(MAG1, MAG1_MAC), leaving=(MAG2, MAG2_MAC)):
    """One packet from tunnel to tunnel."""
    return forwards(
        "transport",
        from_mag(tunnel(arriving[0], LMAA, inner_in), arriving[1]),
        "transport",
        to_mag(tunnel(LMAA, leaving[0], inner_out), leaving[1]),
    )


FORWARDED = [
    row(
        "S-24",
        "the inner packet is routed by its own destination",
        [up(udp6(MN1, CN), udp6(MN1, CN, 63))],
        counters={f"tunnel.{LMAA}.{MAG1}.up.packets": 1},
    ),
    row(
        "R5213-3",
        "every address of a bound prefix may send",
        [
            up(udp6(source, CN), udp6(source, CN, 63))
            for source in ("2001:db8:100:1::1", "2001:db8:100:1:ffff:ffff:ffff:ffff")
        ],
    ),
    row("R5844-2", "IPv4 is routed by the inner destination", [up(udp4(HOA1, CN4), udp4(HOA1, CN4, 63))]),
    row(
        "R2473-2",
        "decapsulation followed by forwarding takes one hop",
        [up(udp6(MN1, CN, hops), udp6(MN1, CN, hops - 1)) for hops in (2, 64, 255)],
    ),
    row(
        "R8200-1",
        "a tunnel packet for us is accepted whatever its outer hop limit",
        [up(udp6(MN1, CN), udp6(MN1, CN, 63), hops=hops) for hops in (0, 1, 255)],
    ),
    row(
        "R2473-13",
        "a destination options header with an encapsulation limit is removed too",
        [
            forwards(
                "transport",
                from_mag(
                    IPv6(src=MAG1, dst=LMAA)
                    / IPv6ExtHdrDestOpt(options=[ENCAPSULATION_LIMIT, PadN(optdata=b"\0")])
                    / inner_in
                ),
                "core",
                to_cn(inner_out),
            )
            for inner_in, inner_out in ((udp6(MN1, CN), udp6(MN1, CN, 63)), (udp4(HOA1, CN4), udp4(HOA1, CN4, 63)))
        ],
    ),
    row(
        "2.15",
        "tunnels end on the core port as well",
        [forwards("core", from_cn(tunnel(MAG1, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63)))],
    ),
]

HAIRPIN = [
    row(
        "S-25",
        "to a mobile node at another MAG",
        [across(udp6(MN1, MN2), udp6(MN1, MN2, 63)), across(udp4(HOA1, HOA2), udp4(HOA1, HOA2, 63))],
    ),
    row(
        "S-25",
        "to a mobile node at the same MAG, into the tunnel it came from",
        [across(udp6(MN1, MN3), udp6(MN1, MN3, 63), leaving=(MAG1, MAG1_MAC))],
    ),
    row("R2473-2", "one hop, not two, from tunnel to tunnel", [across(udp6(MN1, MN2, 2), udp6(MN1, MN2, 1))]),
    row(
        "S-26",
        "to an unbound pool address: nothing leaves",
        [drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, "2001:db8:100:9::1"))), "no-binding")],
    ),
    row(
        "R4443-9",
        "into the sender's own prefix: never back into its tunnel",
        [drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, "2001:db8:100:1::dead"))), "loop", answerable=True)],
    ),
]

LOCAL = [
    row(
        "RPUNT-6",
        "an inner packet for one of our addresses is delivered decapsulated",
        [
            punts(
                "transport",
                from_mag(tunnel(MAG1, LMAA, udp6(MN1, LMAA))),
                "inner-local",
                kernel=Ether(src=MAG1_MAC, dst=TRANSPORT_MAC) / udp6(MN1, LMAA),
            ),
            punts(
                "transport",
                from_mag(tunnel(MAG1, LMAA, udp4(HOA1, "192.0.2.1"))),
                "inner-local",
                kernel=Ether(src=MAG1_MAC, dst=TRANSPORT_MAC) / udp4(HOA1, "192.0.2.1"),
            ),
        ],
    ),
    row(
        "RPUNT-6",
        "but only from a source that may use the tunnel",
        [stopped(udp6(MN2, LMAA), "source-not-bound"), stopped(udp6(MN1, LMAA), "unknown-tunnel", remote=ROGUE)],
    ),
]

NEXT_HEADERS = [
    row(
        "R8200-4",
        "an inner packet of any kind",
        [
            up(*(IPv6(src=MN1, dst=CN, hlim=hops, nh=nh) / Raw(b"z" * 24) for hops in (64, 63)))
            for nh in (50, 139, 140, 253)
        ],
    )
]


class Forwarded(Conformance):
    """To the core."""

    rows = FORWARDED + NEXT_HEADERS


class Hairpin(Conformance):
    """Mobile node to mobile node."""

    rows = HAIRPIN


class Local(Conformance):
    """Inner packets for the LMA itself."""

    rows = LOCAL


if __name__ == "__main__":
    unittest.main()
