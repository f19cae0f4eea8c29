"""Fragments of outer packets: cut at the entry where the path is too narrow, put together at the exit."""

import unittest

from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from icmp import error6, parameter, time_exceeded
from replay import replay
from rows import Conformance, Row, Step, answers, drops, forwards, joins
from world import *

NARROW = LMA.with_(
    ports=[
        port("core", "core", mac=CORE_MAC, mtu=1500),
        port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
    ]
)
# The tunnel's egress port takes 1300 octets, so that the tunnel does 1260, whatever is asked of it.
NARROWER = LMA.with_(
    ports=[
        port("core", "core", mac=CORE_MAC, mtu=1500),
        port("transport", "transport", mac=TRANSPORT_MAC, mtu=1300),
    ]
)
BEYOND_1300 = LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1280}]
# A path of 1280 octets.
PATH_1280 = LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1240}]
# Where the identification is in a frame without tags: behind Ethernet, IPv6 and four octets of Fragment header.
IDENTIFICATION = slice(14 + 40 + 4, 14 + 40 + 8)
FRAGMENT = 44


def without_identification(frame):
    """A frame whose fragment identification, if it has one, is zero: it is not to be foretold (RFC 7739)."""
    data = bytearray(frame)
    if data[12:14] == b"\x86\xdd" and data[14 + 6] == FRAGMENT:
        data[IDENTIFICATION] = bytes(4)
    return bytes(data)


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS, **more):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records), mask=without_identification, **more)


def piece(header, kind, data, offset, more, identification=7):
    """One fragment: offset in octets."""
    fragment = IPv6ExtHdrFragment(nh=kind, offset=offset // 8, m=more, id=identification)
    return header.__class__(src=header.src, dst=header.dst, hlim=header.hlim, tc=header.tc) / fragment / Raw(data)


def pieces(packet, *cuts, kind=41, identification=7, extensions=0):
    """The fragments of a tunnel packet, cut at these octets of what follows its header."""
    data = bytes(packet)[40:]
    edges = [0, *cuts, len(data)]
    return [
        piece(packet, kind, data[start:end], start, int(end < len(data)), identification)
        for start, end in zip(edges, edges[1:], strict=False)
    ]


def cut(arrival, outer, *cuts, kind=41):
    """A downlink packet and the fragments its outer packet leaves in."""
    frames = [("transport", bytes(to_mag(part))) for part in pieces(outer, *cuts, kind=kind)]
    return Step("core", bytes(from_cn(arrival)), "tx", (), frames)


IN1280 = udp6(CN, MN1, payload=b"F" * 1232)
IN1461 = udp4(CN4, HOA1, payload=b"F" * 1433)
ENTRY = [
    row(
        "R2473-18",
        "an IPv6 packet of 1280 octets or less enters, and the outer packet is cut",
        [
            cut(IN1280, tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"F" * 1232)), 1232),
            cut(udp6(CN, MN1, payload=b"F" * 1193), tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"F" * 1193)), 1232),
            forwards(
                "core",
                from_cn(udp6(CN, MN1, payload=b"F" * 1192)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"F" * 1192))),
            ),
        ],
        records=PATH_1280,
        counters={"originated.fragment": 2, "held": 0},
    ),
    row(
        "R2473-20",
        "an IPv4 packet without DF enters, and the outer packet is cut; its own fields are untouched",
        [cut(IN1461, tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63, payload=b"F" * 1433)), 1448, kind=4)],
        configuration=NARROW,
        counters={"originated.fragment": 1},
    ),
    row(
        "R8200-2",
        "the encapsulation limit is behind the Fragment header",
        [
            cut(
                IN1280,
                IPv6(src=LMAA, dst=MAG1, hlim=64)
                / Raw(bytes.fromhex("2900040104010100") + bytes(udp6(CN, MN1, 63, payload=b"F" * 1232))),
                1232,
                kind=60,
            )
        ],
        configuration=LMA.with_(tunnel_defaults={"flow-label": "zero", "encapsulation-limit": 4}),
        # A configured MTU is what enters the tunnel: the path takes 48 octets more.
        records=LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1232}],
    ),
    row(
        "R2473-18",
        "a tunnel's own MTU beyond what its egress port takes: IPv6 of 1280 octets still enters, in fragments",
        [cut(IN1280, tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"F" * 1232)), 1248)],
        configuration=NARROWER,
        records=BEYOND_1300,
    ),
    row(
        "R2473-18",
        "the same by tunnel-defaults, at a port of 1280 octets",
        [cut(IN1280, tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"F" * 1232)), 1232)],
        configuration=LMA.with_(
            ports=[
                port("core", "core", mac=CORE_MAC, mtu=1500),
                port("transport", "transport", mac=TRANSPORT_MAC, mtu=1280),
            ],
            tunnel_defaults={"flow-label": "zero", "mtu": 1280},
        ),
    ),
    row(
        "R2473-20",
        "a tunnel's own MTU beyond what its egress port takes: IPv4 without DF still enters, in fragments",
        [
            cut(
                udp4(CN4, HOA1, payload=b"F" * (size - 28)),
                tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63, payload=b"F" * (size - 28))),
                1248,
                kind=4,
            )
            for size in (1280, 1428)
        ],
        configuration=NARROWER,
        records=BEYOND_1300,
    ),
    row(
        "R2473-20",
        "an MTU of 1460 with a limit of 4 on a path of 1500: the outer packet has 48 octets more, so 1460 without DF is cut",
        [
            cut(
                udp4(CN4, HOA1, payload=b"F" * (size - 28)),
                IPv6(src=LMAA, dst=MAG1, hlim=64)
                / Raw(bytes.fromhex("0400040104010100") + bytes(udp4(CN4, HOA1, 63, payload=b"F" * (size - 28)))),
                1448,
                kind=60,
            )
            for size in (1460, 1500)
        ],
        configuration=NARROW,
        records=LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1460, "encapsulationLimit": 4}],
    ),
    row(
        "R2473-18",
        "between two mobile nodes",
        [
            Step(
                "transport",
                bytes(from_mag(tunnel(MAG2, LMAA, udp6(MN2, MN1, payload=b"F" * 1232)), MAG2_MAC)),
                "tx",
                (),
                [
                    ("transport", bytes(to_mag(part)))
                    for part in pieces(tunnel(LMAA, MAG1, udp6(MN2, MN1, 63, payload=b"F" * 1232)), 1232)
                ],
            )
        ],
        records=PATH_1280,
    ),
    row(
        "R2473-18",
        "at the MAG",
        [
            Step(
                "access1",
                bytes(from_mn(udp6(MN1, CN, payload=b"F" * 1232))),
                "tx",
                (),
                [
                    ("transport", bytes(to_lma(part)))
                    for part in pieces(tunnel(MAG1, LMAA, udp6(MN1, CN, 63, payload=b"F" * 1232)), 1232)
                ],
            )
        ],
        configuration=MAG,
        records=MAG_RECORDS + [{"tunnel": {"local": MAG1, "remote": LMAA}, "mtu": 1240}],
    ),
]

UP = udp6(MN1, CN, payload=b"R" * 1200)
OUTER = tunnel(MAG1, LMAA, UP)
UP4 = udp4(HOA1, CN4, payload=b"R" * 600)


def whole(parts, out, order=None, **more):
    """Fragments in this order, the last of which completes the packet."""
    order = order or range(len(parts))
    frames = [from_mag(parts[number]) for number in order]
    steps = [joins("transport", frame, "core", **more) for frame in frames[:-1]]
    return steps + [forwards("transport", frames[-1], "core", to_cn(out), **more)]


THREE = pieces(OUTER, 400, 800)
OTHER = pieces(tunnel(MAG1, LMAA, udp6(MN1, CN, payload=b"S" * 1200)), 400, 800, identification=8)
OUT = udp6(MN1, CN, 63, payload=b"R" * 1200)
OTHER_OUT = udp6(MN1, CN, 63, payload=b"S" * 1200)
OPTIONS = Raw(bytes.fromhex("2900040104010100"))


def behind(frames):
    """Fragments whose Fragment header comes behind destination options with a limit."""
    return [
        IPv6(src=MAG1, dst=LMAA, hlim=64, nh=60) / Raw(bytes([FRAGMENT]) + bytes(OPTIONS)[1:]) / Raw(bytes(frame)[40:])
        for frame in frames
    ]


EXIT = [
    row("R2473-21", "in order", whole(THREE, OUT), counters={"consumed.fragment": 2, "held": 0}),
    row("R2473-21", "reversed", whole(THREE, OUT, [2, 1, 0])),
    row("R2473-21", "the first one last", whole(THREE, OUT, [1, 2, 0])),
    row(
        "R2473-21",
        "IPv4 inside",
        whole(pieces(tunnel(MAG1, LMAA, UP4), 304, kind=4), udp4(HOA1, CN4, 63, payload=b"R" * 600)),
    ),
    row(
        "R2473-21",
        "two packets interleaved",
        [
            joins("transport", from_mag(THREE[0]), "core"),
            joins("transport", from_mag(OTHER[0]), "core"),
            joins("transport", from_mag(THREE[2]), "core"),
            joins("transport", from_mag(OTHER[1]), "core"),
            forwards("transport", from_mag(THREE[1]), "core", to_cn(OUT)),
            forwards("transport", from_mag(OTHER[2]), "core", to_cn(OTHER_OUT)),
        ],
    ),
    row("R8200-3", "an exact duplicate changes nothing", whole(THREE, OUT, [0, 0, 1, 2])),
    row(
        "R8200-3",
        "a whole packet with a Fragment header is processed alone",
        [
            joins("transport", from_mag(THREE[0]), "core"),
            forwards("transport", from_mag(piece(OUTER, 41, bytes(OUTER)[40:], 0, 0)), "core", to_cn(OUT)),
            joins("transport", from_mag(THREE[1]), "core"),
            forwards("transport", from_mag(THREE[2]), "core", to_cn(OUT)),
        ],
    ),
    row(
        "R8200-2",
        "destination options behind the Fragment header, and in front of it",
        whole(pieces(IPv6(src=MAG1, dst=LMAA, hlim=64) / OPTIONS / Raw(bytes(UP)), 400, 800, kind=60), OUT)
        + whole(behind(THREE), OUT),
    ),
    row(
        "R8200-3",
        "an overlap drops everything",
        [
            drops("transport", from_mag(THREE[0]), "reassembly-overlap"),
            drops(
                "transport", from_mag(piece(OUTER, 41, bytes(OUTER)[40 + 392 : 40 + 800], 392, 1)), "reassembly-overlap"
            ),
            drops("transport", from_mag(THREE[2]), "reassembly-overlap"),
        ],
        counters={"drop.reassembly-overlap": 3, "held": 0},
    ),
    row(
        "R8200-3",
        "sixty seconds without the rest: Time Exceeded (3,1) when the first fragment is there",
        [
            drops("transport", from_mag(THREE[1]), "reassembly-timeout", at=0.0),
            answers(
                "transport",
                from_mag(OTHER[0]),
                "reassembly-timeout",
                "transport",
                to_mag(error6(LMAA, MAG1, time_exceeded(1), OTHER[0])),
                at=1.0,
            ),
        ],
        counters={"drop.reassembly-timeout": 2, "originated.time-exceeded": 1},
    ),
    row(
        "R8200-3",
        "a packet whose last fragment comes after 59.9 seconds, and one after 60",
        [
            joins("transport", from_mag(THREE[0]), "core", at=0.0),
            joins("transport", from_mag(THREE[1]), "core", at=0.0),
            forwards("transport", from_mag(THREE[2]), "core", to_cn(OUT), at=59.9),
        ],
    ),
    row(
        "R8200-3",
        "a length that is no multiple of eight while more follow: (4,0) at the Payload Length",
        [
            answers(
                "transport", from_mag(part), "malformed", "transport", to_mag(error6(LMAA, MAG1, parameter(4), part))
            )
            for part in [piece(OUTER, 41, bytes(OUTER)[40:443], 0, 1)]
        ],
    ),
    row(
        "R8200-3",
        "more than 65535 octets: (4,0) at the Fragment Offset",
        [
            answers(
                "transport",
                from_mag(part),
                "reassembled-too-big",
                "transport",
                to_mag(error6(LMAA, MAG1, parameter(42), part)),
            )
            for part in [piece(OUTER, 41, b"X" * 400, 65528, 0)]
        ],
    ),
    row(
        "R8200-3",
        "a first fragment without the inner header: (4,3) at 0",
        [
            answers(
                "transport", from_mag(part), "malformed", "transport", to_mag(error6(LMAA, MAG1, parameter(0, 3), part))
            )
            for part in [piece(OUTER, 41, bytes(OUTER)[40:72], 0, 1)]
        ],
    ),
    row(
        "RX-2",
        "what no frame holds when it is whole is dropped",
        [
            drops("transport", from_mag(part), "reassembled-too-big")
            for part in pieces(tunnel(MAG1, LMAA, udp6(MN1, CN, payload=b"T" * 2400)), 1200)
        ],
    ),
    row(
        "R8200-1",
        "a reassembled packet's hop limit is answered like any other's",
        [
            Step("transport", bytes(from_mag(first)), "drop", ("hop-limit",), shared=["transport"])
            for first in pieces(tunnel(MAG1, LMAA, udp6(MN1, CN, 1, payload=b"H" * 600)), 304)[:1]
        ]
        + [
            answers(
                "transport",
                from_mag(last),
                "hop-limit",
                "transport",
                to_mag(tunnel(LMAA, MAG1, error6(LMAA, MN1, time_exceeded(), udp6(MN1, CN, 1, payload=b"H" * 600)))),
            )
            for last in pieces(tunnel(MAG1, LMAA, udp6(MN1, CN, 1, payload=b"H" * 600)), 304)[1:]
        ],
    ),
]


def marked(ecn, inner=2):
    """Two fragments with these ECN code points of a packet whose inner one is ECT(0)."""
    packet = tunnel(MAG1, LMAA, udp6(MN1, CN, payload=b"E" * 600, tc=inner))
    first, last = pieces(packet, 304)
    first.tc, last.tc = ecn
    return first, last


def congestion(ecn, out):
    """Both orders of arrival."""
    return [
        step
        for order in ([0, 1], [1, 0])
        for step in whole(marked(ecn), udp6(MN1, CN, 63, payload=b"E" * 600, tc=out), order)
    ]


ECN = [
    row("R3168-1", "ECT(0) and CE are CE", congestion((2, 3), 3)),
    row("R3168-1", "equal ones stay", congestion((2, 2), 2) + congestion((3, 3), 3)),
    row("R3168-1", "ECT(1) and CE are CE", congestion((1, 3), 3)),
    row("R3168-1", "Not-ECT with ECT is no congestion", congestion((0, 2), 2)),
    row(
        "R3168-1",
        "Not-ECT with CE is dropped",
        [drops("transport", from_mag(part), "ecn") for part in marked((0, 3))],
    ),
]


class Entry(Conformance):
    """Cut."""

    rows = ENTRY


class Exit(Conformance):
    """Put together."""

    rows = EXIT


class Congestion(Conformance):
    """ECN of the whole."""

    rows = ECN


class Identification(unittest.TestCase):
    """R8200-2: one identification for the fragments of one packet, another for the next."""

    def test_R8200_2_identifications(self):
        packets = [("core", number * 0.001, bytes(from_cn(IN1280))) for number in range(100)]
        frames = replay(LMA, packets, records=PATH_1280).frames["transport"]
        seen = [frame[IDENTIFICATION] for frame in frames]
        self.assertEqual(len(seen), 200)
        self.assertEqual(seen[0::2], seen[1::2])
        self.assertEqual(len(set(seen)), 100)
        steps = {
            int.from_bytes(b, "big") - int.from_bytes(a, "big") for a, b in zip(seen[0::2], seen[2::2], strict=False)
        }
        self.assertGreater(len(steps), 90, "identifications follow a pattern")


if __name__ == "__main__":
    unittest.main()
