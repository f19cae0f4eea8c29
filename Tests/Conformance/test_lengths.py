"""Lengths and malformed packets: what the headers say, what was received, what may leave."""

import unittest

from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

PADDING = b"\xee" * 7


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


SMALL4 = (udp4(CN4, HOA1, payload=b""), udp4(CN4, HOA1, 63, payload=b""))  # 28 octets: Ethernet pads the frame to 60

TRIMMED = [
    row(
        "R8200-7",
        "a 60-octet frame with 28 octets of IPv4: padding does not enter the tunnel",
        [
            forwards(
                "core",
                raw_core(bytes(SMALL4[0]) + b"\0" * 18, 0x0800),
                "transport",
                to_mag(tunnel(LMAA, MAG1, SMALL4[1])),
            )
        ],
    ),
    row(
        "R8200-7",
        "trailing octets behind an IPv6 packet",
        [
            forwards(
                "core",
                raw_core(bytes(udp6(CN, MN1)) + PADDING),
                "transport",
                to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63))),
            )
        ],
    ),
    row(
        "R8200-7",
        "trailing octets behind the tunnel packet",
        [
            forwards(
                "transport",
                raw_transport(bytes(tunnel(MAG1, LMAA, udp6(MN1, CN))) + PADDING),
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
                raw_transport(bytes(IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(bytes(udp6(MN1, MN2)) + PADDING)) + PADDING),
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
        [drops("transport", raw_transport(OUTER[:-1]), *CUT), drops("transport", raw_transport(OUTER[:80]), *CUT)],
    ),
    row(
        "R8200-7",
        "a core packet longer than its frame",
        [
            drops("core", raw_core(bytes(udp6(CN, MN1))[:-1]), *CUT),
            drops("core", raw_core(bytes(udp4(CN4, HOA1))[:-1], 0x0800), *CUT),
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
            punts("transport", raw_transport(b"\x40" + OUTER[1:]), "malformed"),
            punts("core", raw_core(b"\x70" + bytes(udp6(CN, MN1))[1:]), "malformed"),
        ],
    ),
    row(
        "RX-1",
        "frames too short for their headers go to the kernel",
        [
            punts("core", raw_core(bytes(udp6(CN, MN1))[:39]), "malformed"),
            punts("core", raw_core(b""), "malformed"),
            punts("core", raw_core(bytes(udp4(CN4, HOA1))[:19], 0x0800), "malformed"),
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


class Sizes(Conformance):
    """The largest packets."""

    rows = SIZES


if __name__ == "__main__":
    unittest.main()
