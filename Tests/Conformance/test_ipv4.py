"""IPv4 inside: RFC 1812's checks of a header, and the checksum's incremental arithmetic (RFC 1624)."""

import unittest

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

# Whether a length that runs past the frame is "truncated" or "malformed" the contract leaves to the forwarder.
CUT = ("truncated", "malformed")


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def ip4(**fields):
    """An IPv4 packet to MN1's home address with chosen header fields."""
    return IP(src=CN4, dst=HOA1, id=1, **fields) / Raw(b"p" * 24)


IPV4 = [
    row(
        "R1812-1",
        "a wrong header checksum",
        [
            drops("core", raw_core(patched(ip4(), 10, b"\x12\x34"), 0x0800), "bad-checksum"),
            drops("core", raw_core(patched(ip4(), 8, b"\x3f"), 0x0800), "bad-checksum"),
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
        [punts("core", raw_core(patched(ip4(), 0, b"\x44"), 0x0800), "malformed")],
    ),
    row(
        "R1812-1",
        "a header longer than the packet",
        [drops("core", raw_core(bytes(IP(src=CN4, dst=HOA1, ihl=15, len=40)) + b"\0" * 20, 0x0800), *CUT)],
    ),
    row(
        "R1812-1",
        "a total length shorter than the header",
        [
            drops("core", raw_core(bytes(ip4(len=19)), 0x0800), *CUT),
            drops("core", raw_core(bytes(ip4(len=0)), 0x0800), *CUT),
        ],
    ),
    row("R1812-1", "a total length longer than the frame", [drops("core", raw_core(bytes(ip4(len=45)), 0x0800), *CUT)]),
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


class IPv4(Conformance):
    """RFC 1812's checks and the checksum."""

    rows = IPV4 + CHECKSUMS

    def test_the_edges_were_found(self):
        """The generator of the row above finds what it is meant to find."""
        sums = {checksum_of(udp4(CN4, HOA1, ttl, id=identification)) for identification, ttl in EDGES}
        self.assertTrue({0x0000, 0xFEFF, 0xFF00, 0xFFFE} <= sums, {f"{value:04x}" for value in sums})


if __name__ == "__main__":
    unittest.main()
