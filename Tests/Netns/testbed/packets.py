"""Random packets with what is unusual about them, for tests that compare two ways of treating the same packets."""

from dataclasses import dataclass, field

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

# Next headers that a router has no business with: none, ESP, the experimental ones, SCTP.
FOREIGN = (59, 50, 253, 254, 132)
# An IPv4 header's options: no operation, and stream identifier, which every router ignores.
OPTIONS4 = (b"", b"", b"\x01\x01\x01\x00", b"\x88\x04\x12\x34", b"\x01" * 40)


@dataclass
class Sample:
    """A packet from its IP header on, and the names of what is unusual about it."""

    octets: bytes
    tags: set = field(default_factory=set)
    # The value of the tunnel encapsulation limit option, if it has one.
    limit: int | None = None
    # The ECN field of the tunnel header, where there is one.
    outer_ecn: int = 0


def patched(octets, offset, value):
    """The octets with some replaced, checksums as they were."""
    return octets[:offset] + value + octets[offset + len(value) :]


def ipv6(rng, source, destination, hops):
    """An IPv6 packet with up to three extension headers, one of which may hold an encapsulation limit."""
    kind = rng.choice((17, 6, *FOREIGN))
    body = upper(rng, kind)
    sample = Sample(b"")
    for _ in range(rng.choice((0, 0, 0, 1, 2, 3))):
        kind, header, value = extension(rng, kind)
        # What a limit is behind (nearest to the packet's own header) is the one that counts.
        sample.limit = value if value is not None else sample.limit
        body = header + body
    if sample.limit is not None:
        sample.tags.add("limit")
    head = IPv6(src=source, dst=destination, hlim=hops, tc=rng.getrandbits(8), fl=rng.getrandbits(20), nh=kind)
    sample.octets = bytes(head / Raw(body))
    return sample


def extension(rng, following):
    """(kind, octets, encapsulation limit or None) of an extension header in front of a header of kind `following`."""
    choice = rng.randrange(5)
    if choice == 0:
        value = rng.choice((0, 1, 2, 4, 255))
        return 60, bytes([following, 0, 4, 1, value, 1, 1, 0]), value
    if choice == 1:
        return 60, bytes([following, 0, 1, 4, 0, 0, 0, 0]), None
    if choice == 2:
        return 43, bytes([following, 2, 4, 0, 0, 0, 0, 0]) + rng.randbytes(16), None
    if choice == 3:
        return 44, bytes([following, 0, 0, 0]) + rng.randbytes(4), None
    return 51, bytes([following, 4, 0, 0]) + rng.randbytes(20), None


def upper(rng, kind):
    """What comes last, up to 1300 octets: a UDP header with ports, or anything."""
    if kind == 17:
        return bytes(UDP(sport=rng.randint(1, 65535), dport=rng.randint(1, 65535)) / Raw(content(rng)))
    return rng.randbytes(20) + content(rng)


def content(rng):
    """Short, long, and often odd."""
    return rng.randbytes(rng.choice((0, 1, rng.randint(2, 200), rng.randint(200, 1280))))


def ipv4(rng, source, destination, hops):
    """An IPv4 packet with or without options, whole or a fragment."""
    options = rng.choice(OPTIONS4)
    head = IP(
        src=source,
        dst=destination,
        ttl=hops,
        tos=rng.getrandbits(8),
        id=rng.getrandbits(16),
        flags=rng.choice(("", "DF", "MF")),
        frag=rng.choice((0, 0, 0, rng.randint(1, 500))),
        proto=rng.choice((17, 6, *FOREIGN)),
        ihl=5 + len(options) // 4,
    )
    body = content(rng)
    head.len = 20 + len(options) + len(body)
    octets = bytearray(bytes(head)[:20] + options)
    octets[10:12] = b"\0\0"
    octets[10:12] = checksum(octets)
    return Sample(bytes(octets) + body)


def checksum(octets):
    """RFC 1071, in plain form, over an even number of octets."""
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def header4(octets):
    """The packet with its IPv4 header's checksum made right."""
    length = (octets[0] & 15) * 4
    head = bytearray(octets[:length])
    head[10:12] = b"\0\0"
    head[10:12] = checksum(head)
    return bytes(head) + octets[length:]
