"""The outer flow label (RFC 6438): one label per flow, never 0, spread, and different for another key."""

import random
import unittest

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw

from replay import replay
from world import *

KEYS = ("000102030405060708090a0b0c0d0e0f", "f0e1d2c3b4a5968778695a4b3c2d1e0f")
FLOWS = 2000


def labels(key, packets, records=LMA_RECORDS):
    """The outer flow label of each packet, and the packets with their label set to zero."""
    configuration = LMA.with_(tunnel_defaults={"flow-label": "hash"}, flow_label_key=key)
    frames = [("core", number * 1e-5, bytes(from_cn(packet))) for number, packet in enumerate(packets)]
    result = replay(configuration, frames, records=records)
    sent = result.frames["transport"]
    return [int.from_bytes(f[14:18], "big") & 0xFFFFF for f in sent], [
        f[:15] + bytes([f[15] & 0xF0]) + b"\0\0" + f[18:] for f in sent
    ]


def flow(rng, hops=64):
    """A flow of random ports and correspondents to MN1; called twice with one state it makes the same packet."""
    source = f"2001:db8:c::{rng.getrandbits(16):x}"
    return (
        IPv6(src=source, dst=MN1, hlim=hops)
        / UDP(sport=rng.randint(1024, 65535), dport=rng.randint(1, 65535))
        / Raw(b"flow")
    )


class FlowLabel(unittest.TestCase):
    """Properties, since the hash itself is the forwarder's own."""

    @classmethod
    def setUpClass(cls):
        cls.seed = random.SystemRandom().getrandbits(32)
        rng = random.Random(cls.seed)
        states = []
        for _ in range(FLOWS):
            states.append(rng.getrandbits(64))
        cls.packets = [flow(random.Random(state)) for state in states]
        cls.expected = [bytes(to_mag(tunnel(LMAA, MAG1, flow(random.Random(state), 63)))) for state in states]
        cls.labels, cls.zeroed = labels(KEYS[0], cls.packets)

    def message(self, words):
        """What to say on failure: how to get the same packets again."""
        return f"{words} (seed {self.seed})"

    def test_R6438_1_one_flow_has_one_label(self):
        again, _ = labels(KEYS[0], self.packets[::-1])
        self.assertEqual(again[::-1], self.labels, self.message("labels depend on more than the packet and the key"))

    def test_R6438_1_nothing_else_of_the_outer_header_changes(self):
        self.assertEqual(self.zeroed, self.expected, self.message("packets differ beside the label"))

    def test_R6438_1_labels_spread_over_all_bits(self):
        # 2000 draws from 2^20 collide about twice; 20 expected bits are each set in about half.
        self.assertGreater(len(set(self.labels)), FLOWS - 30, self.message("too many flows share a label"))
        for bit in range(20):
            share = sum(label >> bit & 1 for label in self.labels) / FLOWS
            self.assertTrue(0.44 < share < 0.56, self.message(f"bit {bit} is set in {share:.3f} of the labels"))

    def test_R6438_2_never_zero_and_another_key_gives_other_labels(self):
        other, _ = labels(KEYS[1], self.packets)
        self.assertNotIn(0, self.labels + other, self.message("a label is 0"))
        same = sum(a == b for a, b in zip(self.labels, other, strict=True))
        self.assertLess(same, 10, self.message("labels hardly depend on the key"))

    def test_R6437_2_all_fragments_of_a_datagram_have_one_label(self):
        fragments = [
            IPv6(src=CN, dst=MN1) / IPv6ExtHdrFragment(id=77, m=more, offset=offset, nh=17) / Raw(content)
            for more, offset, content in (
                (1, 0, bytes(UDP(sport=1, dport=2, len=56, chksum=1)) + b"a" * 16),
                (1, 3, b"b" * 24),
                (0, 6, b"c" * 8),
            )
        ]
        found, _ = labels(KEYS[0], fragments)
        self.assertEqual(len(set(found)), 1, found)

    def test_R6437_2_all_fragments_of_an_outer_packet_have_one_label(self):
        narrow = LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1240}]
        packets = [udp6(f"2001:db8:c::{number + 1:x}", MN1, payload=b"F" * 1232) for number in range(20)]
        found, _ = labels(KEYS[0], packets, narrow)
        self.assertEqual(len(found), 40)
        self.assertEqual(found[0::2], found[1::2])
        self.assertGreater(len(set(found)), 15, found)
        self.assertNotIn(0, found)

    def test_R6437_1_an_inner_label_is_kept(self):
        packets = [udp6(CN, MN1, fl=label) for label in (0, 1, 0xABCDE, 0xFFFFF)]
        _, zeroed = labels(KEYS[0], packets)
        expected = [
            bytes(to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63, fl=label)))) for label in (0, 1, 0xABCDE, 0xFFFFF)
        ]
        self.assertEqual(zeroed, expected)


if __name__ == "__main__":
    unittest.main()
