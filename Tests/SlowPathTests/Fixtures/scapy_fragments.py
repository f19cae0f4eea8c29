#!/usr/bin/python3
"""What Scapy makes of outer packets and fragments, for ScapyFragmentTests.

Usage: scapy_fragments.py cut SEED COUNT   random tunnel packets, each with the fragments that Scapy cuts it into: lines of
                                           "MTU PACKET FRAGMENT FRAGMENT …", octets in hexadecimal
       scapy_fragments.py join             reads lines of "FRAGMENT FRAGMENT …", in order; writes the packet of each line

The link layer is left out: everything starts with the outer IPv6 header.
"""

import random
import sys

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import (
    HBHOptUnknown,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    defragment6,
    fragment6,
)
from scapy.packet import Raw


def inner_packet(chance, length):
    """A UDP datagram over IPv6 or IPv4, `length` octets with its header."""
    if chance.random() < 0.5:
        header = IPv6(src="2001:db8:f::1", dst="2001:db8:100:1::9", hlim=chance.randrange(2, 255))
        room = length - 48
    else:
        header = IP(src="198.51.100.7", dst="192.0.2.9", ttl=chance.randrange(2, 255), id=chance.randrange(65536))
        room = length - 28
    return header / UDP(sport=chance.randrange(65536), dport=4000) / Raw(chance.randbytes(room))


def cut(seed, count):
    """Writes packets and their fragments. Only packets that are too long: Scapy gives all others a Fragment header too."""
    chance = random.Random(seed)
    for _ in range(count):
        mtu = chance.randrange(1280, 1600)
        outer = IPv6(
            src="2001:db8:1::1",
            dst="2001:db8:2::2",
            tc=chance.randrange(256),
            fl=chance.randrange(1 << 20),
            hlim=chance.randrange(1, 256),
        )
        if chance.random() < 0.3:
            outer = outer / IPv6ExtHdrHopByHop()
        length = chance.randrange(mtu - 39, 4 * mtu)
        if chance.random() < 0.3:
            # The last fragment just fits, or just does not.
            room = mtu - 48
            length = chance.randrange(1, 4) * (room & ~7) + room + chance.randrange(-8, 9)
        content = inner_packet(chance, length)
        if chance.random() < 0.5:
            limit = HBHOptUnknown(otype=4, optlen=1, optdata=bytes([chance.randrange(256)]))
            content = IPv6ExtHdrDestOpt(options=[limit]) / content
        # Where RFC 8200 section 4.5 puts it; left to itself, Scapy puts it in front of hop-by-hop options.
        marked = outer / IPv6ExtHdrFragment(id=chance.randrange(1 << 32)) / content
        fragments = fragment6(marked, mtu)
        print(mtu, bytes(outer / content).hex(), *(bytes(fragment).hex() for fragment in fragments))


def join():
    """Writes the packet of each line's fragments."""
    for line in sys.stdin:
        packet = defragment6([IPv6(bytes.fromhex(word)) for word in line.split()])
        print(bytes(packet).hex())


if __name__ == "__main__":
    if sys.argv[1:2] == ["cut"] and len(sys.argv) == 4:
        cut(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:] == ["join"]:
        join()
    else:
        sys.exit(__doc__)
