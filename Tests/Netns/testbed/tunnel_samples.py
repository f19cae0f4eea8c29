"""Random packets for one tunnel's entry and exit, right ones and every kind of wrong one."""

from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from . import packets
from .addresses import CN, CN4, HOA1, LMAA, MAG1, MN1, ROGUE
from .packets import Sample, header4, patched


def down(rng):
    """A random packet from the CN to MN1."""
    unusual = rng.random()
    family = rng.choice((4, 6))
    left = rng.choice((0, 1)) if rng.random() < 0.05 else rng.randint(2, 255)
    source, destination = (CN4, HOA1) if family == 4 else (CN, MN1)
    tags = set()
    if unusual < 0.05:
        source = "169.254.1.1" if family == 4 else "fe80::1"
        tags = {"martian"}
    elif unusual < 0.1:
        source = "203.0.113.99" if family == 4 else "2001:db8:100:7::1"
        tags = {"pool"}
    sample = (packets.ipv4 if family == 4 else packets.ipv6)(rng, source, destination, left)
    sample.tags |= tags | ({"four"} if family == 4 else set())
    if family == 4 and left < 2:
        sample.tags.add("ttl")
    if 0.1 < unusual < 0.15:
        # Dropped by both: what a receiver cannot understand.
        sample.octets = broken(rng, sample.octets)
    return sample


def broken(rng, octets):
    """A packet whose header contradicts itself or what has arrived."""
    if octets[0] >> 4 == 6:
        return rng.choice((patched(octets, 0, b"\x45"), patched(octets, 4, b"\xff\xff"), octets[:30]))
    wrong = patched(octets, 10, bytes([octets[10] ^ 0x55]))
    return rng.choice((wrong, header4(patched(octets, 2, b"\x0f\xff")), octets[:12]))


def up(rng):
    """A random tunnel packet from MAG1 with a packet of MN1 inside."""
    unusual = rng.random()
    family = rng.choice((4, 6))
    left = rng.choice((0, 1)) if rng.random() < 0.05 else rng.randint(2, 255)
    source, destination = (HOA1, CN4) if family == 4 else (MN1, CN)
    tags, remote, local_tail = set(), MAG1, b""
    if unusual < 0.04:
        remote, tags = ROGUE, {"stranger"}
    elif unusual < 0.08:
        source, tags = ("198.51.100.7" if family == 4 else "2001:db8:7::7"), {"stranger"}
    elif unusual < 0.12:
        destination, tags = ("169.254.1.1" if family == 4 else "fe80::1"), {"martian"}
    elif unusual < 0.2:
        local_tail, tags = rng.randbytes(rng.randint(1, 40)), {"trailing"}
    inner = (packets.ipv4 if family == 4 else packets.ipv6)(rng, source, destination, left)
    octets = inner.octets
    if 0.2 < unusual < 0.25:
        octets, tags = contradiction(rng, octets)
    options, kind, wrong = outer_options(rng, 41 if family == 6 else 4)
    ecn = rng.choice((None, 0, 1, 2, 3))
    field = octets[1] >> 4 & 3 if family == 6 else octets[1] & 3
    sample = Sample(b"", tags | wrong)
    sample.outer_ecn = field if ecn is None else ecn
    head = IPv6(
        src=remote,
        dst=LMAA,
        nh=kind,
        hlim=rng.randint(0, 255),
        tc=rng.getrandbits(6) << 2 | sample.outer_ecn,
        fl=rng.getrandbits(20),
    )
    sample.octets = bytes(head / Raw(options + octets + local_tail))
    return sample


def contradiction(rng, octets):
    """An inner packet that is not what its header says."""
    if octets[0] >> 4 == 6:
        return rng.choice((patched(octets, 0, b"\x45"), patched(octets, 4, b"\x40\x00"))), {"broken"}
    if rng.random() < 0.5:
        return patched(octets, 10, bytes([octets[10] ^ 0x55])), {"checksum"}
    return header4(patched(octets, 2, b"\x0f\xff")), {"broken"}


def outer_options(rng, following):
    """(octets, kind of the first header, tags) of what stands between the tunnel header and the packet inside."""
    choice = rng.randrange(12)
    if following == 4 or choice > 4:
        # The kernel is told by the outer next header what is inside: options only in front of IPv6.
        return b"", following, set()
    if choice == 0:
        return bytes([following, 0, 4, 1, rng.getrandbits(8), 1, 1, 0]), 60, set()
    if choice == 1:
        return bytes([following, 0, 0x3E, 4, 1, 2, 3, 4]), 60, set()
    if choice == 2:
        return bytes([following, 0, rng.choice((0x7E, 0xBE, 0xFE)), 4, 1, 2, 3, 4]), 60, {"options"}
    if choice == 3:
        return bytes([following, 2, 0, 0, 0, 0, 0, 0]) + rng.randbytes(16), 43, set()
    return bytes([following, 2, 0, 1, 0, 0, 0, 0]) + rng.randbytes(16), 43, {"options"}
