"""The tunnel encapsulation limit (RFC 2473 section 4.1.1) at both ends, and no packet into its own tunnel."""

import unittest

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from icmp import error6, parameter
from rows import Conformance, Row, answers, drops, forwards
from world import *

HOST = "2001:db8:77::7"


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def tel(limit, next_header):
    """The destination options header of section 4.1.1, octet by octet: the option, then PadN of one octet."""
    return bytes([next_header, 0, 4, 1, limit, 1, 1, 0])


def options(*octets, next_header=41):
    """A destination options header with these options, padded by Pad1 to a multiple of 8."""
    body = b"".join(octets)
    body += b"\0" * (-(len(body) + 2) % 8)
    return bytes([next_header, (len(body) + 2) // 8 - 1]) + body


def limited(limit, source, destination, packet, hops=64, next_header=41, **fields):
    """A tunnel packet with the limit option."""
    return IPv6(src=source, dst=destination, hlim=hops, nh=60, **fields) / Raw(tel(limit, next_header) + bytes(packet))


def mn_tunnel(extensions, first, *, hops=64, source=MN1, destination=HOST):
    """A packet of a mobile node: IPv6, extension headers as octets of which the first has number `first`, a packet."""
    return IPv6(src=source, dst=destination, hlim=hops, nh=first) / Raw(extensions + bytes(udp6(source, destination)))


def enters(extensions, first, limit=None):
    """The MAG's row step for such a packet: it leaves with this limit, or with none."""
    inside = mn_tunnel(extensions, first, hops=63)
    outer = tunnel(MAG1, LMAA, inside) if limit is None else limited(limit, MAG1, LMAA, inside)
    return forwards("access1", from_mn(mn_tunnel(extensions, first)), "transport", to_lma(outer))


PADDED = options(b"\x01\x04" + b"\0" * 4)
PADDED_HEADER = options(b"\x01\x04" + b"\0" * 4, next_header=60)
HBH = bytes([60, 0, 5, 2, 0, 0, 1, 0])
ROUTED = bytes([60, 2, 4, 0]) + b"\0" * 4 + bytes(IPv6(src=HOST))[8:24]
FIRST = bytes([60, 0, 0, 1, 0, 0, 0, 7])
MIDDLE = bytes([60, 0, 0, 0x19, 0, 0, 0, 7])
ALONE = bytes([60, 0, 0, 0, 0, 0, 0, 7])
AUTHENTICATED = bytes([60, 4, 0, 0]) + b"\0" * 4 + b"\0" * 4 + b"i" * 12

FOUND = {
    "directly": (tel(3, 41), 60, 2),
    "the least that may enter": (tel(1, 41), 60, 0),
    "the greatest": (tel(255, 41), 60, 254),
    "behind hop-by-hop options": (HBH + tel(3, 41), 0, 2),
    "behind a routing header": (ROUTED + tel(3, 41), 43, 2),
    "behind the Fragment header of a first fragment": (FIRST + tel(3, 41), 44, 2),
    "behind the Fragment header of a whole packet": (ALONE + tel(3, 41), 44, 2),
    "behind an authentication header": (AUTHENTICATED + tel(3, 41), 51, 2),
    "behind padding in a header of its own": (PADDED[:0] + bytes([60]) + PADDED[1:] + tel(3, 41), 60, 2),
    "as the second option": (options(b"\x01\x02\0\0", b"\x04\x01\x03"), 60, 2),
    "behind single octets of padding": (options(b"\0\0\0", b"\x04\x01\x03"), 60, 2),
    "behind an option of another length": (options(b"\x04\x02\x09\x09", b"\x04\x01\x03"), 60, 2),
    "behind an unknown option": (options(b"\x1e\x02\0\0", b"\x04\x01\x03"), 60, 2),
    "before a transport header": (tel(3, 17), 60, 2),
    "behind any number of headers": (PADDED_HEADER * 150 + tel(3, 41), 60, 2),
    "behind any number of options": (options(b"\0" * 200, b"\x04\x01\x03"), 60, 2),
}
# What has the octets of a limit and is none.
NONE = {
    "another IPv6 header comes first": (bytes(IPv6(src=MN1, dst=HOST, nh=60, plen=8)) + tel(0, 59), 41),
    "the middle of a fragmented packet": (MIDDLE + tel(0, 41), 44),
    "padding only": (PADDED, 60),
    "an option of length 2": (options(b"\x04\x02\0\0"), 60),
    "an option of length 0": (options(b"\x04\x00"), 60),
    "hop-by-hop options are not destination options": (bytes([41, 0, 4, 1, 0, 1, 1, 0]), 0),
    "no next header": (tel(0, 41), 59),
    "an unknown next header": (tel(0, 41), 253),
    "ESP": (tel(0, 41), 50),
    "options that run past the packet": (bytes([41, 255, 4, 1, 0, 1, 1, 0]), 60),
    "an option that runs past its header": (options(b"\x1e\xff\0\0", b"\x04\x01\0"), 60),
}
# Where the limit octet of a packet that may not enter is, from the start of its IPv6 header (rule (b)).
USED_UP = {
    "directly": (tel(0, 41), 60, 44),
    "behind hop-by-hop options": (HBH + tel(0, 41), 0, 52),
    "as the second option": (options(b"\x01\x02\0\0", b"\x04\x01\x00"), 60, 48),
    "behind twelve headers": (PADDED_HEADER * 12 + tel(0, 41), 60, 40 + 12 * 8 + 4),
    "behind many options": (options(b"\0" * 200, b"\x04\x01\x00"), 60, 40 + 2 + 200 + 2),
}

AT_MAG = {"configuration": MAG, "records": MAG_RECORDS}
ENTRY = [row("R2473-8", f"found {name}", [enters(*case)], **AT_MAG) for name, case in FOUND.items()]
ENTRY += [row("R2473-8", f"not found: {name}", [enters(*case)], **AT_MAG) for name, case in NONE.items()]
ENTRY += [
    row(
        "R2473-9",
        f"a limit of 0, {name}: discarded, and the sender told where it is",
        [
            answers(
                "access1",
                from_mn(mn_tunnel(extensions, first)),
                "encapsulation-limit",
                "access1",
                to_mn(error6(MAG1, MN1, parameter(pointer), mn_tunnel(extensions, first))),
            )
        ],
        **AT_MAG,
    )
    for name, (extensions, first, pointer) in USED_UP.items()
]
ENTRY += [
    row(
        "R2473-10",
        "at the LMA, downlink",
        [
            forwards(
                "core",
                from_cn(limited(4, CN, MN1, udp6(CN, MN1))),
                "transport",
                to_mag(limited(3, LMAA, MAG1, limited(4, CN, MN1, udp6(CN, MN1), hops=63))),
            )
        ],
    ),
    row(
        "R2473-10",
        "at the LMA, from tunnel to tunnel: the inner packet's limit counts, not the outer one",
        [
            forwards(
                "transport",
                from_mag(limited(9, MAG1, LMAA, limited(4, MN1, MN2, udp6(MN1, MN2)))),
                "transport",
                to_mag(limited(3, LMAA, MAG2, limited(4, MN1, MN2, udp6(MN1, MN2), hops=63)), MAG2_MAC),
            ),
            forwards(
                "transport",
                from_mag(limited(1, MAG1, LMAA, udp6(MN1, MN2))),
                "transport",
                to_mag(tunnel(LMAA, MAG2, udp6(MN1, MN2, 63)), MAG2_MAC),
            ),
            drops(
                "transport",
                from_mag(tunnel(MAG1, LMAA, limited(0, MN1, MN2, udp6(MN1, MN2)))),
                "encapsulation-limit",
                answerable=True,
            ),
        ],
    ),
    row(
        "R2473-10",
        "the packet's limit goes before the configured one",
        [
            forwards(
                "core",
                from_cn(limited(9, CN, MN1, udp6(CN, MN1))),
                "transport",
                to_mag(limited(8, LMAA, MAG1, limited(9, CN, MN1, udp6(CN, MN1), hops=63))),
            ),
            answers(
                "core",
                from_cn(limited(0, CN, MN1, udp6(CN, MN1))),
                "encapsulation-limit",
                "core",
                to_cn(error6(LMAA, CN, parameter(44), limited(0, CN, MN1, udp6(CN, MN1)))),
            ),
        ],
        configuration=LMA.with_(tunnel_defaults={"flow-label": "zero", "encapsulation-limit": 4}),
    ),
    row(
        "R2473-12",
        "a packet that leaves no tunnel and enters none is not asked for its limit",
        [
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, limited(0, MN1, HOST, udp6(MN1, HOST)))),
                "core",
                to_cn(limited(0, MN1, HOST, udp6(MN1, HOST), hops=63)),
            )
        ],
    ),
    row(
        "R2473-12",
        "none configured and none found: none inserted, IPv6 and IPv4",
        [
            forwards("core", *reversed_pair)
            for reversed_pair in (
                (from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63)))),
                (from_cn(udp4(CN4, HOA1)), "transport", to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63)))),
            )
        ],
    ),
]
CONFIGURED = {"configuration": LMA.with_(tunnel_defaults={"flow-label": "zero", "encapsulation-limit": 4})}
ENTRY += [
    row(
        "R2473-11",
        "the configured limit, IPv6 and IPv4",
        [
            forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(limited(4, LMAA, MAG1, udp6(CN, MN1, 63)))),
            forwards(
                "core",
                from_cn(udp4(CN4, HOA1)),
                "transport",
                to_mag(limited(4, LMAA, MAG1, udp4(CN4, HOA1, 63), next_header=4)),
            ),
        ],
        **CONFIGURED,
    ),
    row(
        "R2473-11",
        "each tunnel its own: a number, 0, none and the default",
        [
            forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(limited(255, LMAA, MAG1, udp6(CN, MN1, 63)))),
            forwards(
                "core", from_cn(udp6(CN, MN2)), "transport", to_mag(tunnel(LMAA, MAG2, udp6(CN, MN2, 63)), MAG2_MAC)
            ),
            forwards(
                "core",
                from_cn(udp6(CN, "2001:db8:100:3::3")),
                "transport",
                to_mag(limited(0, LMAA2, MAG1, udp6(CN, "2001:db8:100:3::3", 63))),
            ),
            forwards(
                "core",
                from_cn(udp6(CN, "2001:db8:100:4::4")),
                "transport",
                to_mag(limited(4, LMAA2, MAG2, udp6(CN, "2001:db8:100:4::4", 63)), MAG2_MAC),
            ),
        ],
        records=[
            {"tunnel": {"local": LMAA, "remote": MAG1}, "encapsulationLimit": 255},
            {"tunnel": {"local": LMAA, "remote": MAG2}, "encapsulationLimit": "none"},
            {"tunnel": {"local": LMAA2, "remote": MAG1}, "encapsulationLimit": 0},
            *LMA_RECORDS,
            lma_binding("2001:db8:100:3::/64", MAG1, local=LMAA2),
            lma_binding("2001:db8:100:4::/64", MAG2, local=LMAA2),
        ],
        **CONFIGURED,
    ),
]

# A transport port of 1500 octets: 1460 inside, 1452 with the option (section 6.7).
NARROW = LMA.with_(
    ports=[
        port("core", "core", mac=CORE_MAC, mtu=1500),
        port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
    ]
)


def sized(octets, hops=64):
    """An IPv6 packet of this many octets to MN1."""
    return udp6(CN, MN1, hops, payload=b"L" * (octets - 48))


def sized_limit(octets, hops=64):
    """The same with a limit of 4 of its own."""
    return IPv6(src=CN, dst=MN1, hlim=hops, nh=60) / Raw(tel(4, 59) + b"L" * (octets - 48))


MTU = [
    row(
        "R2473-16",
        "1460 octets pass without the option, 1461 do not",
        [
            forwards("core", from_cn(sized(1460)), "transport", to_mag(tunnel(LMAA, MAG1, sized(1460, 63)))),
            drops("core", from_cn(sized(1461)), "too-big", answerable=True),
        ],
        configuration=NARROW,
    ),
    row(
        "R2473-16",
        "a configured limit costs 8 octets of an automatic MTU",
        [
            forwards("core", from_cn(sized(1452)), "transport", to_mag(limited(4, LMAA, MAG1, sized(1452, 63)))),
            drops("core", from_cn(sized(1453)), "too-big", answerable=True),
        ],
        configuration=NARROW.with_(tunnel_defaults={"flow-label": "zero", "encapsulation-limit": 4}),
    ),
    row(
        "R2473-16",
        "so does the limit of a packet, for that packet",
        [
            forwards(
                "core", from_cn(sized_limit(1452)), "transport", to_mag(limited(3, LMAA, MAG1, sized_limit(1452, 63)))
            ),
            drops("core", from_cn(sized_limit(1453)), "too-big", answerable=True),
            forwards("core", from_cn(sized(1460)), "transport", to_mag(tunnel(LMAA, MAG1, sized(1460, 63)))),
        ],
        configuration=NARROW,
    ),
    row(
        "R2473-16",
        "a configured MTU is what enters, option or not",
        [
            forwards("core", from_cn(sized(1400)), "transport", to_mag(limited(4, LMAA, MAG1, sized(1400, 63)))),
            drops("core", from_cn(sized(1401)), "too-big", answerable=True),
        ],
        configuration=NARROW.with_(tunnel_defaults={"flow-label": "zero", "encapsulation-limit": 4, "mtu": 1400}),
    ),
]

# A prefix that covers the MAG's own address: what its mobile node sends to the LMA in that name has the tunnel's ends.
OWN = [
    row(
        "R2473-14",
        "a packet between the tunnel's own ends does not enter it",
        [
            drops("access1", from_mn(udp6(MAG1, LMAA)), "loop"),
            # Another source, another destination: ordinary packets.
            forwards(
                "access1",
                from_mn(udp6("2001:db8:a::2", LMAA)),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6("2001:db8:a::2", LMAA, 63))),
            ),
            forwards(
                "access1",
                from_mn(udp6(MAG1, LMAA2)),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MAG1, LMAA2, 63))),
            ),
        ],
        configuration=MAG,
        records=[at_mag("2001:db8:a::/64", MN1_MAC, "access1", "mn1")],
    )
]

EXIT = [
    row(
        "R2473-13",
        "options of a peer's default limit of 4, also behind hop-by-hop options and a spent routing header",
        [
            forwards("transport", from_mag(limited(4, MAG1, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63))),
            forwards(
                "transport",
                from_mag(limited(0, MAG1, LMAA, udp4(HOA1, CN4), next_header=4)),
                "core",
                to_cn(udp4(HOA1, CN4, 63)),
            ),
        ],
    ),
    row(
        "R2473-13",
        "at the MAG",
        [forwards("transport", from_lma(limited(4, LMAA, MAG1, udp6(CN, MN1))), "access1", to_mn(udp6(CN, MN1, 63)))],
        **AT_MAG,
    ),
]


class Entry(Conformance):
    """Rules (a) to (e)."""

    rows = ENTRY


class Sizes(Conformance):
    """The option's octets in the tunnel's MTU."""

    rows = MTU


class Own(Conformance):
    """Loopback encapsulation."""

    rows = OWN


class Exit(Conformance):
    """Out of the tunnel."""

    rows = EXIT


if __name__ == "__main__":
    unittest.main()
