"""The headers between an outer IPv6 header and the packet it carries, at a tunnel's exit (RFC 8200, 5095)."""

import unittest

from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.ipsec import ESP
from scapy.packet import Raw

from icmp import error6, parameter
from rows import Conformance, Row, answers, drops, forwards, punts
from world import *


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def options(next_header, *octets):
    """An options header with these options, filled up with PadN."""
    body = b"".join(octets)
    missing = -(len(body) + 2) % 8
    body += b"" if missing == 0 else b"\0" if missing == 1 else bytes([1, missing - 2]) + b"\0" * (missing - 2)
    return bytes([next_header, (len(body) + 2) // 8 - 1]) + body


def option(kind, length=2):
    """One option of this type."""
    return bytes([kind, length]) + b"\0" * length


def routing(next_header, kind, segments_left, addresses=1):
    """A routing header: type, segments left, addresses."""
    return (
        bytes([next_header, 2 * addresses, kind, segments_left]) + b"\0" * 4 + bytes(IPv6(src=LMAA))[8:24] * addresses
    )


def fragment(next_header, offset=0, more=0):
    """A Fragment header; the offset in 8 octets."""
    return bytes([next_header, 0]) + (offset << 3 | more).to_bytes(2, "big") + b"\0\0\0\7"


TEL = options(41, b"\x04\x01\x04")
INNER, LEAVES = bytes(udp6(MN1, CN)), udp6(MN1, CN, 63)
INNER4, LEAVES4 = bytes(udp4(HOA1, CN4)), udp4(HOA1, CN4, 63)


def outer(first, octets, source=MAG1):
    """A packet to the LMA: IPv6 with this next header, then octets."""
    return from_mag(IPv6(src=source, dst=LMAA, nh=first) / Raw(octets))


def opens(first, headers, ipv4=False):
    """Headers that the exit removes."""
    packet, leaves = (INNER4, LEAVES4) if ipv4 else (INNER, LEAVES)
    return forwards("transport", outer(first, headers + packet), "core", to_cn(leaves))


def refused(first, octets, message):
    """Headers that end the packet, and the answer to who sent it."""
    about = IPv6(src=MAG1, dst=LMAA, nh=first) / Raw(octets)
    answer = to_mag(error6(LMAA, MAG1, message, about))
    return answers("transport", outer(first, octets), "malformed", "transport", answer)


HBH, DST, RTG, FRG = 0, 60, 43, 44
CHAINS = {
    "hop-by-hop options": (HBH, options(41, b"")),
    "two destination options headers": (DST, options(60, b"") + TEL),
    "a limit behind other options": (DST, options(41, option(0x1E), b"\x04\x01\x04")),
    "all five of RFC 8200 section 4.1 in order": (
        HBH,
        options(60, b"") + options(43, b"") + routing(44, 4, 0) + fragment(60) + TEL,
    ),
    "in another order": (FRG, fragment(43) + routing(60, 4, 0) + TEL),
    "six headers": (DST, options(60, b"") * 5 + TEL),
    "the longest options header": (DST, options(41, *[option(1, 253)] * 8)),
    "single octets of padding": (DST, bytes([41, 0]) + b"\0" * 6),
    "a Fragment header of a whole packet, options behind it": (FRG, fragment(60) + TEL),
    "a Fragment header of a whole packet behind options": (DST, options(44, b"") + fragment(41)),
    "reserved bits in a Fragment header": (FRG, bytes([41, 0xFF, 0, 6, 0, 0, 0, 7])),
}
SKIPPED = (0x05, 0x1E, 0x3E)
DISCARDED = (0x41, 0x5E, 0x7E)
ANSWERED = (0x81, 0x9E, 0xBE, 0xC2, 0xC9, 0xDE, 0xFE)

WALK = [row("R8200-6", f"{name}: removed", [opens(first, headers)]) for name, (first, headers) in CHAINS.items()]
WALK += [
    row(
        "R8200-6",
        f"unknown options of type 00 are skipped, in {where}",
        [opens(first, options(41, option(kind))) for kind in SKIPPED],
    )
    for where, first in (("destination options", DST), ("hop-by-hop options", HBH))
]
WALK += [
    row(
        "R8200-6",
        f"unknown options of type 01 end the packet without a word, in {where}",
        [drops("transport", outer(first, options(41, option(kind)) + INNER), "malformed") for kind in DISCARDED],
    )
    for where, first in (("destination options", DST), ("hop-by-hop options", HBH))
]
WALK += [
    row(
        "R8200-6",
        f"unknown options of types 10 and 11 end the packet and are answered, in {where}",
        [refused(first, options(41, option(kind)) + INNER, parameter(42, 2)) for kind in ANSWERED],
    )
    for where, first in (("destination options", DST), ("hop-by-hop options", HBH))
]
WALK += [
    row(
        "R8200-6",
        "an unknown option behind a Fragment header of a whole packet",
        [refused(FRG, fragment(60) + options(41, option(0x9E)) + INNER, parameter(50, 2))],
    ),
    row(
        "R8200-6",
        "what no tunnel's exit opens is the kernel's",
        [
            punts("transport", outer(59, b""), "local"),
            punts("transport", outer(253, INNER), "local"),
            punts("transport", outer(DST, options(59, b"")), "local"),
            punts("transport", outer(DST, options(253, b"") + INNER), "local"),
            punts("transport", from_mag(IPv6(src=MAG1, dst=LMAA) / ICMPv6EchoRequest()), "local"),
            punts("transport", outer(DST, options(50, b"") + bytes(ESP(spi=1, seq=1, data=b"e" * 64))), "local"),
            # RFC 8200 section 4.3: an error that the kernel knows how to report.
            punts("transport", outer(DST, options(0, b"") + options(41, b"") + INNER), "local"),
            punts("transport", outer(DST, options(60, b"") * 6 + TEL + INNER), "local"),
        ],
    ),
    row(
        "R8200-6",
        "headers and options that run past their end",
        [
            drops("transport", outer(DST, b"\x29\0\x1e\x05\0\0\0\0" + INNER), "malformed"),
            drops("transport", outer(DST, b"\x29\0\x01\x03\0\0\0\x1e" + INNER), "malformed"),
            drops("transport", outer(DST, b"\x29\0\0\0\0\0\0\x01" + INNER), "malformed"),
            # More options than RFC 8504 section 5.3 lets a node expect.
            drops("transport", outer(DST, bytes([41, 31]) + b"\0" * 254 + INNER), "malformed"),
        ],
    ),
    row(
        "R8200-8",
        "jumbograms",
        [
            drops("transport", outer_jumbo, "malformed")
            for outer_jumbo in (
                from_mag(IPv6(src=MAG1, dst=LMAA, nh=0, plen=0) / Raw(b"\x29\0\xc2\4\0\1\0\0" + INNER)),
                from_mag(
                    tunnel(MAG1, LMAA, IPv6(src=MN1, dst=CN, nh=0, plen=0) / Raw(b"\x11\0\xc2\4\0\1\0\0" + b"j" * 64))
                ),
            )
        ]
        + [
            drops(
                "core",
                from_cn(IPv6(src=CN, dst=MN1, nh=0, plen=0) / Raw(b"\x11\0\xc2\4\0\1\0\0" + b"j" * 64)),
                "malformed",
            )
        ],
    ),
    row(
        "R5095-1",
        "routing headers without segments left are skipped, whatever their type",
        [opens(RTG, routing(41, kind, 0)) for kind in (0, 2, 3, 4, 253)] + [opens(RTG, routing(60, 0, 0, 3) + TEL)],
    ),
    row(
        "R5095-1",
        "routing headers with segments left end the packet, and the answer points to their type",
        [refused(RTG, routing(41, kind, 1) + INNER, parameter(42)) for kind in (0, 2, 3, 4, 253)]
        + [refused(DST, options(43, b"") + routing(41, 0, 1) + INNER, parameter(50))],
    ),
    row(
        "R4443-6",
        "an error about a packet that was sent to us comes from the address it was sent to",
        [
            answers(
                "transport",
                from_mag(about),
                "malformed",
                "transport",
                to_mag(error6(LMAA2, MAG1, parameter(42), about)),
            )
            for about in [IPv6(src=MAG1, dst=LMAA2, nh=RTG) / Raw(routing(41, 0, 1) + INNER)]
        ],
        records=LMA_RECORDS + [{"tunnel": {"local": LMAA2, "remote": MAG1}, "static": True}],
    ),
    row(
        "S-27",
        "who has no tunnel here gets no answer and no memory",
        [
            drops("transport", outer(DST, options(41, option(0x9E)) + INNER, ROGUE), "unknown-tunnel"),
            drops("transport", outer(RTG, routing(41, 0, 1) + INNER, ROGUE), "unknown-tunnel"),
            drops("transport", outer(FRG, fragment(41, more=1) + INNER[:64], ROGUE), "unknown-tunnel"),
            drops("transport", outer(DST, TEL + INNER, ROGUE), "unknown-tunnel"),
        ],
    ),
]


class Walk(Conformance):
    """Chains, options, routing headers."""

    rows = WALK


if __name__ == "__main__":
    unittest.main()
