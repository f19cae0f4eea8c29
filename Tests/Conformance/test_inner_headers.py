"""Headers of forwarded packets (RFC 8200, 7045), and those that matter: HoTI, anycast, scopes, tags."""

import unittest

from scapy.layers.inet import UDP
from scapy.layers.inet6 import (
    HAO,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    MIP6MH_BU,
    MIP6MH_CoTI,
    MIP6MH_HoT,
    MIP6MH_HoTI,
    PadN,
    RouterAlert,
)
from scapy.layers.ipsec import AH, ESP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

MNP = "2001:db8:100:40::/60"  # a mobile network's prefix, anchored here
LFN = "2001:db8:100:47::7"


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def raw(next_header, octets=b"x" * 24):
    """A packet whose next header Scapy does not build."""
    return lambda source, destination, hops: IPv6(src=source, dst=destination, hlim=hops, nh=next_header) / Raw(octets)


def built(layers):
    """A packet with these layers behind its IPv6 header."""
    return lambda source, destination, hops: IPv6(src=source, dst=destination, hlim=hops) / layers.copy()


CHAINS = {
    "a type 2 routing header": built(IPv6ExtHdrRouting(type=2, addresses=[CN]) / UDP() / b"r"),
    "destination options": built(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / UDP() / b"d"),
    "unknown options that say discard": raw(60, b"\x11\0\x5e\4\0\0\0\0" + b"u" * 16),
    "unknown options that say answer": raw(60, b"\x11\0\x9e\4\0\0\0\0" + b"u" * 16),
    "a first fragment": built(IPv6ExtHdrFragment(id=7, m=1, nh=17) / Raw(b"f" * 24)),
    "a last fragment": built(IPv6ExtHdrFragment(id=7, offset=3, nh=17) / Raw(b"f" * 9)),
    "ESP": built(ESP(spi=1, seq=1, data=b"e" * 32)),
    "an authentication header": built(AH(spi=1, seq=1, icv=b"i" * 12) / UDP() / b"a"),
    "host identity": raw(139),
    "shim6": raw(140),
    "an experimental next header": raw(253),
    "no next header": raw(59),
    "hop-by-hop options": built(IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / UDP() / b"h"),
    "a router alert": built(IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6EchoRequest()),
    "hop-by-hop options that are not first": raw(60, b"\0\0\1\4\0\0\0\0" + b"\x11\0\1\4\0\0\0\0" + b"u" * 16),
    "a chain that ends in the middle of a header": raw(60, b"\x2b\0\1\4\0\0\0\0" + b"\x3c"),
    "a header longer than the packet": raw(60, b"\x2b\xff\1\4\0\0\0\0"),
    "a chain of twenty headers": raw(60, b"\x3c\0\1\4\0\0\0\0" * 20 + b"\x3b\0\1\4\0\0\0\0"),
    "an options header of 2,048 octets cut short": raw(60, b"\x3b\xff" + b"\0" * 30),
}


def everywhere(build):
    """Downlink and uplink at the LMA, from tunnel to tunnel, and both ways at the MAG."""
    at_lma = [
        forwards("core", *pair)
        for pair in [(from_cn(build(CN, MN1, 64)), "transport", to_mag(tunnel(LMAA, MAG1, build(CN, MN1, 63))))]
    ]
    at_lma += [
        forwards("transport", from_mag(tunnel(MAG1, LMAA, build(MN1, CN, 64))), "core", to_cn(build(MN1, CN, 63))),
        forwards(
            "transport",
            from_mag(tunnel(MAG1, LMAA, build(MN1, MN2, 64))),
            "transport",
            to_mag(tunnel(LMAA, MAG2, build(MN1, MN2, 63)), MAG2_MAC),
        ),
    ]
    at_mag1 = [
        forwards("access1", from_mn(build(MN1, CN, 64)), "transport", to_lma(tunnel(MAG1, LMAA, build(MN1, CN, 63)))),
        forwards("transport", from_lma(tunnel(LMAA, MAG1, build(CN, MN1, 64))), "access1", to_mn(build(CN, MN1, 63))),
    ]
    return at_lma, at_mag1


def transit():
    """R8200-4, R8200-5: headers of a packet that is not ours are carried, not read."""
    for name, build in CHAINS.items():
        identifier = "R8200-5" if "hop" in name or "alert" in name else "R8200-4"
        at_lma, at_mag1 = everywhere(build)
        yield row(identifier, f"{name}, LMA", at_lma)
        yield row(identifier, f"{name}, MAG", at_mag1, configuration=MAG, records=MAG_RECORDS)


MIP_RECORDS = [
    *LMA_RECORDS,
    lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip"),
    lma_binding(MNP, MIP_COA, local=LMAA, table="mip"),
]
MIP_LMA = LMA.with_(
    routes=[*LMA.values["routes"], {"prefix": "2001:db8:f::/48", "via": "2001:db8:e::a", "port": "transport"}]
)


def hoti(message, source=MN1, hops=64, *before):
    """A mobility message of a mobile node to its correspondent."""
    packet = IPv6(src=source, dst=CN, hlim=hops)
    for layer in before:
        packet = packet / layer.copy()
    return packet / message()


PADDING = IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
MOBILITY = [
    row(
        "S-47",
        "a HoTI from an address with a proxy binding",
        [
            drops("transport", from_mag(tunnel(MAG1, LMAA, hoti(MIP6MH_HoTI))), "hoti-proxy"),
            drops("transport", from_mag(tunnel(MAG1, LMAA, hoti(MIP6MH_HoTI, MN1, 64, PADDING))), "hoti-proxy"),
            drops(
                "transport",
                from_mag(tunnel(MAG1, LMAA, IPv6(src=MN1, dst=MN2) / MIP6MH_HoTI())),
                "hoti-proxy",
            ),
        ],
    ),
    row(
        "S-47",
        "a HoTI behind any number of headers",
        [
            drops("transport", from_mag(tunnel(MAG1, LMAA, hoti(MIP6MH_HoTI, MN1, 64, *[PADDING] * count))), "hoti-proxy")
            for count in (11, 12, 13, 60, 170)
        ],
    ),
    row(
        "S-47",
        "other mobility messages, and a HoTI inside the mobile node's own tunnel, are data",
        [
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, hoti(message))),
                "core",
                to_cn(hoti(message, MN1, 63)),
            )
            for message in (MIP6MH_CoTI, MIP6MH_BU, MIP6MH_HoT)
        ]
        + [
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, IPv6(src=MN1, dst="2001:db8:77::1") / hoti(MIP6MH_HoTI, "2001:db8:9::9"))),
                "core",
                to_cn(IPv6(src=MN1, dst="2001:db8:77::1", hlim=63) / hoti(MIP6MH_HoTI, "2001:db8:9::9")),
            ),
            # Too short to have a type.
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, IPv6(src=MN1, dst=CN, nh=135) / Raw(b"\x3b\0"))),
                "core",
                to_cn(IPv6(src=MN1, dst=CN, nh=135, hlim=63) / Raw(b"\x3b\0")),
            ),
        ],
    ),
    row(
        "R6275-6",
        "a HoTI by the tunnel of a Mobile IPv6 binding, and the HoT that answers it",
        [
            forwards(
                "transport",
                from_mag(tunnel(MIP_COA, LMAA, hoti(MIP6MH_HoTI))),
                "core",
                to_cn(hoti(MIP6MH_HoTI, MN1, 63)),
            ),
            forwards(
                "core",
                from_cn(IPv6(src=CN, dst=MN1) / MIP6MH_HoT()),
                "transport",
                to_mag(tunnel(LMAA, MIP_COA, IPv6(src=CN, dst=MN1, hlim=63) / MIP6MH_HoT())),
            ),
        ],
        configuration=MIP_LMA,
        records=MIP_RECORDS,
    ),
    row(
        "R6275-4",
        "reverse tunnelling: the outer source is the care-of address of the inner source's binding",
        [
            forwards("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63))),
            drops("transport", from_mag(tunnel("2001:db8:f::e", LMAA, udp6(MN1, CN))), "unknown-tunnel"),
            drops("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(MN2, CN))), "source-not-bound"),
        ],
        configuration=MIP_LMA,
        records=MIP_RECORDS,
    ),
    row(
        "R6275-5",
        "what must be protected and is not ends here; nobody else's packets do, nor those to the mobile node",
        [
            drops("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(MN1, CN))), "source-not-bound"),
            forwards("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(LFN, CN))), "core", to_cn(udp6(LFN, CN, 63))),
            forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MIP_COA, udp6(CN, MN1, 63)))),
            punts("transport", from_mag(IPv6(src=MIP_COA, dst=LMAA) / ESP(spi=1, seq=1, data=b"e" * 64)), "local"),
        ],
        configuration=MIP_LMA,
        records=[
            *LMA_RECORDS,
            lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip", requireEsp=True),
            lma_binding(MNP, MIP_COA, local=LMAA, table="mip", requireEsp=False),
        ],
    ),
    row(
        "R6275-9",
        "a binding update with a home address option",
        [
            punts(
                "transport",
                from_mag(
                    IPv6(src=MIP_COA, dst=LMAA) / IPv6ExtHdrDestOpt(options=[HAO(hoa=MN1)]) / MIP6MH_BU(mhtime=60)
                ),
                "local",
            )
        ],
        configuration=MIP_LMA,
        records=MIP_RECORDS,
    ),
    row(
        "R3963-1",
        "a mobile network's prefix: any address of it, both ways, and no other",
        [
            forwards("core", from_cn(udp6(CN, LFN)), "transport", to_mag(tunnel(LMAA, MIP_COA, udp6(CN, LFN, 63)))),
            forwards("transport", from_mag(tunnel(MIP_COA, LMAA, udp6(LFN, CN))), "core", to_cn(udp6(LFN, CN, 63))),
            drops("transport", from_mag(tunnel(MIP_COA, LMAA, udp6("2001:db8:100:50::1", CN))), "source-not-bound"),
            drops("core", from_cn(udp6(CN, "2001:db8:100:50::1")), "no-binding", answerable=True),
        ],
        configuration=MIP_LMA,
        records=MIP_RECORDS,
    ),
    Row(
        "R3963-3",
        "de-registration takes the home address and its prefixes at once",
        MIP_LMA,
        [
            forwards(
                "core", from_cn(udp6(CN, LFN)), "transport", to_mag(tunnel(LMAA, MIP_COA, udp6(CN, LFN, 63))), at=0.0
            ),
            drops("core", from_cn(udp6(CN, LFN)), "no-binding", answerable=True, at=2.0),
            forwards(
                "core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63))), at=2.1
            ),
        ],
        MIP_RECORDS,
        [
            {"at": 1.0, "op": "delete", "table": "mip", "prefix": f"{MN1}/128"},
            {"at": 1.0, "op": "delete", "table": "mip", "prefix": MNP},
        ],
    ),
]

LINK_LOCAL = "fe80::10"
SCOPE = [
    row(
        "R6275-2",
        "a packet to a mobile node's link-local address is not tunnelled",
        [
            punts("core", from_cn(udp6("fe80::c", LINK_LOCAL)), "link-local"),
            punts("core", from_cn(udp6(CN, LINK_LOCAL)), "link-local"),
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, LINK_LOCAL))), "martian"),
        ],
    ),
    row(
        "R6275-3",
        "multicast of any scope is not tunnelled without a subscription",
        [punts("core", from_cn(udp6(CN, group)), "multicast") for group in ("ff02::1", "ff05::2", "ff08::3", "ff0e::4")]
        + [
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, group))), "martian")
            for group in ("ff02::1", "ff05::2", "ff0e::4")
        ],
    ),
]
ANYCAST = [
    row(
        "R4291-2",
        "the LMA tunnels it like any address of the prefix",
        [
            forwards(
                "core",
                from_cn(udp6(CN, "2001:db8:100:1::")),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp6(CN, "2001:db8:100:1::", 63))),
            )
        ],
    ),
    row(
        "R4291-2",
        "the MAG is the prefix's router: its kernel gets it, from the tunnel and from the mobile node",
        [
            punts(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, "2001:db8:100:1::"))),
                "inner-local",
                kernel=Ether(src=GATEWAY_MAC, dst=MAG_TRANSPORT_MAC) / udp6(CN, "2001:db8:100:1::"),
            ),
            punts("access1", from_mn(udp6(MN1, "2001:db8:100:1::"))),
            # Another prefix's router is reached through the anchor.
            forwards(
                "access1",
                from_mn(udp6(MN1, "2001:db8:100:2::")),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN1, "2001:db8:100:2::", 63))),
            ),
            # A home address is a host's, whatever its last octets are.
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, "2001:db8:200::"))),
                "access1",
                to_mn(udp6(CN, "2001:db8:200::", 63), MN3_MAC),
            ),
        ],
        configuration=MAG,
        records=[*MAG_RECORDS, at_mag("2001:db8:200::/128", MN3_MAC, "access1", "mn3")],
    ),
]


def tagged(tags, **addresses):
    """An Ethernet header with VLAN tags, the outermost first."""
    frame = Ether(**addresses)
    for kind, vlan in tags:
        frame.lastlayer().type = kind
        frame = frame / Dot1Q(vlan=vlan)
    return frame


TAGS = [
    row(
        "RX-3",
        f"tags {[vlan for _, vlan in tags]} on core and transport ports are taken off",
        [
            forwards(
                "transport",
                tagged(tags, src=MAG1_MAC, dst=TRANSPORT_MAC) / tunnel(MAG1, LMAA, udp6(MN1, CN)),
                "core",
                to_cn(udp6(MN1, CN, 63)),
            ),
            forwards(
                "core",
                tagged(tags, src=CN_MAC, dst=CORE_MAC) / udp4(CN4, HOA1),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63))),
            ),
        ],
    )
    for tags in ([], [(0x8100, 7)], [(0x88A8, 9), (0x8100, 7)], [(0x8100, 0)])
]

REPRESENTATIONS = [
    # A correct checksum of 0x0000 may also be written 0xffff in one's complement: equally valid, and stays so.
    row(
        "R791-1",
        "both forms of a checksum of zero",
        [
            forwards(
                "core",
                raw_core(bytes(patched(zero, 10, form)), 0x0800),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63, id=identification))),
            )
            for identification in [
                next(n for n in range(0x10000) if bytes(udp4(CN4, HOA1, 64, id=n))[10:12] == b"\0\0")
            ]
            for zero in [udp4(CN4, HOA1, 64, id=identification)]
            for form in (b"\0\0", b"\xff\xff")
        ],
    )
]


class Transit(Conformance):
    """Extension headers of a packet on its way."""

    rows = list(transit())


class Mobility(Conformance):
    """Mobile IPv6 beside proxy bindings: messages and networks."""

    rows = MOBILITY


class Scope(Conformance):
    """Destinations that stay on their link, or that the MAG answers for; tags; checksums of zero."""

    rows = SCOPE + ANYCAST + TAGS + REPRESENTATIONS


if __name__ == "__main__":
    unittest.main()
