"""The same random packets through the kernel's segment routing and through a replay: equal but for a written list.

The kernel's `encap.red` and `End.DX6`/`End.DX4` are a tunnel's entry and exit that nobody here has written. Where it is
wrong, or where this plane checks more, `testbed/kernel_differences.py` says what and why; docs/KERNEL_DIFFERENCES.md
has the same list for readers.
"""

import os
import random
import sys
import unittest

from scapy.layers.l2 import Ether
from scapy.packet import Raw

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Conformance"))

import world  # noqa: E402
from replay import replay  # noqa: E402
from testbed import Bed, tunnel_samples  # noqa: E402
from testbed.addresses import CN, LMAA, MAG1, MN1  # noqa: E402
from testbed.kernel_differences import ENTRY, EXIT  # noqa: E402
from testbed.kernel_router import KernelRouter  # noqa: E402

PACKETS = 2000
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "KERNEL_DIFFERENCES.md")


class SamePackets(unittest.TestCase):
    """One tunnel of the kernel's, one of ours, each direction."""

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("FASTPATH_SEED", random.SystemRandom().getrandbits(32)))
        bed = Bed()
        cls.addClassCleanup(bed.close)
        cls.router = KernelRouter(bed, world)

    def compare(self, side, far, samples, differences, wrap, marker):
        """Every sample through both; what the differences make of the kernel's packets is what ours sends."""
        again = f"FASTPATH_SEED={self.seed} /usr/bin/python3 -m unittest test_kernel_difference"
        inputs = [bytes(wrap(Raw(sample.octets), sample)) for sample in samples]
        theirs = self.router.forward(side, far, inputs, marker)
        ours = self.replay(side, far, inputs)
        needed = {difference.words: 0 for difference in differences}
        passed = 0
        for sample, kernel, mine in zip(samples, theirs, ours, strict=True):
            self.assertLessEqual(len(kernel), 1, f"{again}: the kernel sent {kernel}")
            expected = kernel[0][14:] if kernel else None
            for difference in differences:
                if expected is not None and (not difference.tag or difference.tag in sample.tags):
                    mended = difference.mend(sample, expected)
                    needed[difference.words] += mended != expected
                    expected = mended
            got = mine[0][14:] if mine else None
            if got != expected:
                self.fail(f"{again}: {sample}\nkernel {kernel}\nexpected {show(expected)}\n     got {show(got)}")
            passed += got is not None
        self.assertGreater(passed, PACKETS / 3, f"{again}: hardly anything was forwarded: it proves little")
        self.assertEqual([words for words, count in needed.items() if not count], [], f"{again}: no longer different")

    def replay(self, side, far, inputs):
        """What leaves on the far port for each input of a replay; our own packets go back or are named there."""
        steps = [(side, number * 1e-4, frame) for number, frame in enumerate(inputs)]
        result = replay(world.LMA.with_(icmp={"rate": 0, "burst": 0}), steps, records=world.LMA_RECORDS)
        frames = iter(result.frames[far])
        self.assertEqual(len(result.verdicts), len(inputs))
        out = [[next(frames) for port in verdict["out"] if port == far] for verdict in result.verdicts]
        self.assertEqual(list(frames), [])
        return out

    def test_entry(self):
        rng = random.Random(self.seed)
        self.compare(
            "core",
            "transport",
            [tunnel_samples.down(rng) for _ in range(PACKETS)],
            ENTRY,
            lambda packet, sample: Ether(src=world.CN_MAC, dst=world.CORE_MAC, type=ethertype(sample)) / packet,
            lambda number: bytes(world.from_cn(world.udp6(CN, MN1, payload=b"marker %9d" % number))),
        )

    def test_exit(self):
        rng = random.Random(self.seed ^ 1)
        self.compare(
            "transport",
            "core",
            [tunnel_samples.up(rng) for _ in range(PACKETS)],
            EXIT,
            lambda packet, _: Ether(src=world.MAG1_MAC, dst=world.TRANSPORT_MAC, type=0x86DD) / packet,
            lambda number: bytes(
                world.from_mag(world.tunnel(MAG1, LMAA, world.udp6(MN1, CN, payload=b"marker %9d" % number)))
            ),
        )

    def test_the_document_has_the_same_list(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = " ".join(file.read().split())
        for difference in ENTRY + EXIT:
            self.assertIn(difference.words, text)


def ethertype(sample):
    """By the family that the sample was made of: its version may have been broken."""
    return 0x0800 if "four" in sample.tags else 0x86DD


def show(octets):
    """For a message."""
    return "nothing" if octets is None else octets.hex()


if __name__ == "__main__":
    unittest.main()
