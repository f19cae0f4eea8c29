"""Lengths and malformed packets: what the headers say, what was received, what may leave."""

import unittest

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

PADDING = b"\xee" * 7


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def patched(packet, offset, octets):
    """A packet with some octets replaced, checksums as they were."""
    data = bytearray(bytes(packet))
    data[offset : offset + len(octets)] = octets
    return Raw(bytes(data))


def core(data, ethertype=0x86DD):
    """Raw octets on the LMA's core port."""
    return bytes(Ether(src=CN_MAC, dst=CORE_MAC, type=ethertype)) + bytes(data)


def transport(data):
    """Raw octets on the LMA's transport port."""
    return bytes(Ether(src=MAG1_MAC, dst=TRANSPORT_MAC, type=0x86DD)) + bytes(data)


SMALL4 = (udp4(CN4, HOA1, payload=b""), udp4(CN4, HOA1, 63, payload=b""))  # 28 octets: Ethernet pads the frame to 60

TRIMMED = [
    row(
        "R8200-7",
        "a 60-octet frame with 28 octets of IPv4: padding does not enter the tunnel",
        [
            forwards(
                "core", core(bytes(SMALL4[0]) + b"\0" * 18, 0x0800), "transport", to_mag(tunnel(LMAA, MAG1, SMALL4[1]))
            )
        ],
    ),
    row(
        "R8200-7",
        "trailing octets behind an IPv6 packet",
        [
            forwards(
                "core", core(bytes(udp6(CN, MN1)) + PADDING), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63)))
            )
        ],
    ),
    row(
        "R8200-7",
        "trailing octets behind the tunnel packet",
        [
            forwards(
                "transport",
                transport(bytes(tunnel(MAG1, LMAA, udp6(MN1, CN))) + PADDING),
                "core",
                to_cn(udp6(MN1, CN, 63)),
            )
        ],
    ),
    row(
        "R8200-7",
        "an outer payload longer than the inner packet is trimmed",
        [
            forwards(
                "transport",
                from_mag(IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(bytes(udp6(MN1, CN)) + PADDING)),
                "core",
                to_cn(udp6(MN1, CN, 63)),
            ),
            forwards(
                "transport",
                from_mag(IPv6(src=MAG1, dst=LMAA, nh=4) / Raw(bytes(udp4(HOA1, CN4)) + PADDING)),
                "core",
                to_cn(udp4(HOA1, CN4, 63)),
            ),
        ],
    ),
    row(
        "R8200-7",
        "the same at the MAG, both ways",
        [
            forwards(
                "access1",
                bytes(from_mn(udp6(MN1, CN))) + PADDING,
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))),
            ),
            forwards(
                "transport",
                bytes(from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1)))) + PADDING,
                "access1",
                to_mn(udp6(CN, MN1, 63)),
            ),
        ],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R8200-7",
        "tunnel to tunnel: trailing octets at every level",
        [
            forwards(
                "transport",
                transport(bytes(IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(bytes(udp6(MN1, MN2)) + PADDING)) + PADDING),
                "transport",
                to_mag(tunnel(LMAA, MAG2, udp6(MN1, MN2, 63)), MAG2_MAC),
            )
        ],
    ),
]

# Whether a length that runs past the frame is "truncated" or "malformed" the contract leaves to the forwarder.
CUT = ("truncated", "malformed")
INNER6, INNER4 = bytes(udp6(MN1, CN)), bytes(udp4(HOA1, CN4))
OUTER = bytes(tunnel(MAG1, LMAA, udp6(MN1, CN)))

BROKEN = [
    row(
        "R8200-7",
        "an inner packet longer than the outer payload",
        [
            drops("transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(INNER6[:-1])), *CUT),
            drops("transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=4) / Raw(INNER4[:-1])), *CUT),
        ],
    ),
    row(
        "R8200-7",
        "an outer payload longer than the frame",
        [drops("transport", transport(OUTER[:-1]), *CUT), drops("transport", transport(OUTER[:80]), *CUT)],
    ),
    row(
        "R8200-7",
        "a core packet longer than its frame",
        [
            drops("core", core(bytes(udp6(CN, MN1))[:-1]), *CUT),
            drops("core", core(bytes(udp4(CN4, HOA1))[:-1], 0x0800), *CUT),
        ],
    ),
    row(
        "R8200-7",
        "an access packet longer than its frame",
        [
            drops("access1", bytes(from_mn(udp6(MN1, CN)))[:-1], *CUT),
            drops("access1", bytes(from_mn(udp4(HOA1, CN4)))[:-1], *CUT),
        ],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R8200-7",
        "an inner header that does not fit",
        [
            drops("transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=nh) / Raw(inner[:length])), *CUT)
            for nh, inner, lengths in ((41, INNER6, (0, 1, 39)), (4, INNER4, (0, 1, 19)))
            for length in lengths
        ],
    ),
    row(
        "R8200-7",
        "an inner version that is not what the next header says",
        [
            drops(
                "transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=41) / patched(udp6(MN1, CN), 0, b"\x40")), "malformed"
            ),
            drops("transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(INNER4)), "malformed"),
            drops("transport", from_mag(IPv6(src=MAG1, dst=LMAA, nh=4) / Raw(INNER6)), "malformed"),
        ],
    ),
    row(
        "R8200-7",
        "an outer version that is not 6 is not for the plane to judge",
        [
            punts("transport", transport(b"\x40" + OUTER[1:]), "malformed"),
            punts("core", core(b"\x70" + bytes(udp6(CN, MN1))[1:]), "malformed"),
        ],
    ),
    row(
        "RX-1",
        "frames too short for their headers go to the kernel",
        [
            punts("core", core(bytes(udp6(CN, MN1))[:39]), "malformed"),
            punts("core", core(b""), "malformed"),
            punts("core", core(bytes(udp4(CN4, HOA1))[:19], 0x0800), "malformed"),
        ],
    ),
]


def ip4(**fields):
    """An IPv4 packet to MN1's home address with chosen header fields."""
    return IP(src=CN4, dst=HOA1, id=1, **fields) / Raw(b"p" * 24)


IPV4 = [
    row(
        "R1812-1",
        "a wrong header checksum",
        [
            drops("core", core(patched(ip4(), 10, b"\x12\x34"), 0x0800), "bad-checksum"),
            drops("core", core(patched(ip4(), 8, b"\x3f"), 0x0800), "bad-checksum"),
            drops(
                "transport",
                from_mag(IPv6(src=MAG1, dst=LMAA, nh=4) / patched(udp4(HOA1, CN4), 10, b"\x12\x34")),
                "bad-checksum",
            ),
        ],
    ),
    row(
        "R1812-1",
        "a wrong header checksum from the access link",
        [
            drops(
                "access1",
                bytes(Ether(src=MN1_MAC, dst=MAG_MAC, type=0x0800)) + bytes(patched(udp4(HOA1, CN4), 10, b"\x12\x34")),
                "bad-checksum",
            )
        ],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R1812-1",
        "a header length below 20 octets is not for the plane to judge",
        [punts("core", core(patched(ip4(), 0, b"\x44"), 0x0800), "malformed")],
    ),
    row(
        "R1812-1",
        "a header longer than the packet",
        [drops("core", core(bytes(IP(src=CN4, dst=HOA1, ihl=15, len=40)) + b"\0" * 20, 0x0800), *CUT)],
    ),
    row(
        "R1812-1",
        "a total length shorter than the header",
        [drops("core", core(bytes(ip4(len=19)), 0x0800), *CUT), drops("core", core(bytes(ip4(len=0)), 0x0800), *CUT)],
    ),
    row("R1812-1", "a total length longer than the frame", [drops("core", core(bytes(ip4(len=45)), 0x0800), *CUT)]),
]


def checksum_of(packet):
    """The header checksum Scapy computes."""
    return int.from_bytes(bytes(packet)[10:12], "big")


def edge_identifications():
    """Identifications that put the checksum, before or after the TTL's step, at an edge of its arithmetic."""
    wanted = {0x0000, 0x0001, 0x00FF, 0x0100, 0xFEFF, 0xFF00, 0xFFFE, 0xFEFE}
    found = {}
    base = checksum_of(udp4(CN4, HOA1, id=0))
    for value in wanted:
        # Raising the identification by n lowers the checksum by n, with end-around borrow.
        for identification in {(base - value) % 0xFFFF, (base - value + 0x100) % 0xFFFF}:
            for ttl in (64, 2, 255):
                if checksum_of(udp4(CN4, HOA1, ttl, id=identification)) in wanted:
                    found[(identification, ttl)] = True
    return sorted(found)


EDGES = edge_identifications()
CHECKSUMS = [
    row(
        "R791-1",
        "the incremental checksum at the edges of its arithmetic",
        [
            forwards(
                "core",
                from_cn(udp4(CN4, HOA1, ttl, id=identification)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, ttl - 1, id=identification))),
            )
            for identification, ttl in EDGES
        ],
    ),
    row(
        "R791-1",
        "512 identifications, every type of service in turn",
        [
            forwards(
                "core",
                from_cn(udp4(CN4, HOA1, 2 + n % 254, id=n * 127, tos=n % 256)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 1 + n % 254, id=n * 127, tos=n % 256), tc=n % 256)),
            )
            for n in range(512)
        ],
    ),
]

SIZES = [
    row(
        "RX-2",
        "the largest packet of every port fits",
        [
            forwards(
                "core",
                from_cn(udp6(CN, MN1, payload=b"L" * 1452)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"L" * 1452))),
            ),
            forwards(
                "transport",
                from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN, payload=b"L" * 1452))),
                "core",
                to_cn(udp6(MN1, CN, 63, payload=b"L" * 1452)),
            ),
            forwards(
                "core",
                from_cn(udp4(CN4, HOA1, payload=b"L" * 1472)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63, payload=b"L" * 1472))),
            ),
        ],
    ),
    row(
        "RX-2",
        "what does not fit the tunnel is too big, not cut",
        [
            forwards(
                "core",
                from_cn(udp6(CN, MN1, payload=b"L" * 1412)),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63, payload=b"L" * 1412))),
            ),
            drops("core", from_cn(udp6(CN, MN1, payload=b"L" * 1413)), "too-big", answerable=True),
            drops("core", from_cn(udp4(CN4, HOA1, payload=b"L" * 1433, flags="DF")), "too-big", answerable=True),
        ],
        configuration=LMA.with_(
            ports=[
                port("core", "core", mac=CORE_MAC, mtu=1500),
                port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
            ]
        ),
    ),
]


class Trimmed(Conformance):
    """Octets beyond the packet."""

    rows = TRIMMED


class Broken(Conformance):
    """Headers that lie."""

    rows = BROKEN


class IPv4(Conformance):
    """RFC 1812's checks and the checksum."""

    rows = IPV4 + CHECKSUMS

    def test_the_edges_were_found(self):
        """The generator of the row above finds what it is meant to find."""
        sums = {checksum_of(udp4(CN4, HOA1, ttl, id=identification)) for identification, ttl in EDGES}
        self.assertTrue({0x0000, 0xFEFF, 0xFF00, 0xFFFE} <= sums, {f"{value:04x}" for value in sums})


class Sizes(Conformance):
    """The largest packets."""

    rows = SIZES


if __name__ == "__main__":
    unittest.main()
