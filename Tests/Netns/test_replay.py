"""Replay gives the same packets as the live run: one input through fastpathd on veth and `fastpathctl replay`."""

import os
import random
import sys
import time
import unittest

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Conformance"))

import world  # noqa: E402
from replay import replay  # noqa: E402
from testbed import Bed, Daemon, RawPort  # noqa: E402
from testbed.addresses import CN, CN4, HOA1, HOA2, LMA_ROUTER4, LMAA, LMAA2, MAG1, MAG2, MN1, MN2, MN3, MN4, ROGUE  # noqa: E402
from testbed.bed import wait_until  # noqa: E402

PACKETS = 1500
BATCH = 32


def is_originated(frame):
    """Whether the plane made the packet itself: an answer of the slow path, which comes a little later in life."""
    packet = Ether(frame).payload
    # Input has tunnel packets to the LMA, never from it: from LMAA comes our own tunnel header or our own packet.
    if isinstance(packet, IPv6) and packet.nh in (4, 41):
        packet = packet.payload
    return packet.src in (LMAA, LMA_ROUTER4)


class SamePackets(unittest.TestCase):
    """One LMA with static next hops, fed from both sides."""

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("FASTPATH_SEED", random.SystemRandom().getrandbits(32)))
        cls.bed = Bed()
        cls.addClassCleanup(cls.bed.close)
        bed = cls.bed
        cls.cn, cls.lma, cls.mag = (bed.namespace(role) for role in ("cn", "lma", "mag1"))
        for namespace in (cls.cn, cls.lma, cls.mag):
            # Nobody but the plane may answer or announce anything.
            namespace.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        bed.link(cls.cn, "core", cls.lma, "core", mac_a=world.CN_MAC, mac_b=world.CORE_MAC)
        bed.link(cls.lma, "transport", cls.mag, "transport", mtu=1600, mac_a=world.TRANSPORT_MAC)
        cls.daemon = Daemon(bed, cls.lma, "lma", world.LMA).start()
        cls.daemon.control.set(*world.LMA_RECORDS)

    def test_same_packets_and_same_counters(self):
        rng = random.Random(self.seed)
        phases = {
            "core": [self.core_frame(rng) for _ in range(PACKETS)],
            "transport": [self.transport_frame(rng) for _ in range(PACKETS)],
        }
        live, counters = self.run_live(phases)
        packets = [
            (port, start + number * 1e-4, frame)
            for start, (port, frames) in enumerate(phases.items())
            for number, frame in enumerate(frames)
        ]
        replayed = replay(world.LMA, packets, records=world.LMA_RECORDS)
        again = f"FASTPATH_SEED={self.seed} /usr/bin/python3 -m unittest test_replay"
        for port in phases:
            self.assertEqual(len(live[port]), len(replayed.frames[port]), f"{port}: {again}")
            in_life, in_replay = (
                [frame for frame in frames if not is_originated(frame)] for frames in (live[port], replayed.frames[port])
            )
            self.assertEqual(in_life, in_replay, f"{port}: {again}")
            # The slow path's answers are the same packets; when they come between the others is a matter of threads.
            self.assertEqual(sorted(live[port]), sorted(replayed.frames[port]), f"{port}, with our own: {again}")
            self.assertGreater(len(live[port]), PACKETS / 3, "the input was hardly forwarded: it proves little")
        for kind in ("rx.", "tx.", "drop.", "kernel."):
            names = {name for name in counters | replayed.counters if name.startswith(kind)}
            self.assertEqual(
                {name: counters.get(name, 0) for name in names},
                {name: replayed.counters.get(name, 0) for name in names},
                again,
            )

    def run_live(self, phases):
        """Frames that came out of each port of the running daemon, and its counters afterwards."""
        out = {"core": [], "transport": []}
        with RawPort(self.cn, "core") as core, RawPort(self.mag, "transport") as transport:
            ports = {"core": core, "transport": transport}
            total = 0
            for name, frames in phases.items():
                for start in range(0, len(frames), BATCH):
                    for frame in frames[start : start + BATCH]:
                        ports[name].send(frame)
                    time.sleep(0.001)
                total += len(frames)
                wait_until(lambda total=total: self.received() == total, timeout=10, what=f"{total} frames received")
                for port in ports:
                    out[port] += ports[port].receive(timeout=0.3)
        return out, self.daemon.control.counters()

    def received(self):
        """How many frames the daemon has counted in, once each of them has its fate."""
        received, accounted = self.daemon.conservation()
        return received if received == accounted else -1

    @staticmethod
    def inner(rng, sources, destinations):
        """A random packet between two of these addresses of one family."""
        family = rng.choice((4, 6))
        source, destination = (
            rng.choice([a for a in some if (":" in a) == (family == 6)]) for some in (sources, destinations)
        )
        content = Raw(rng.randbytes(rng.randint(0, 1400)))
        upper = rng.choice(
            (UDP(sport=rng.randint(1, 65535), dport=rng.randint(1, 65535)), TCP(seq=rng.getrandbits(32), dport=80))
        )
        hops, octet = rng.randint(2, 255), rng.randint(0, 255)
        if family == 4:
            return IP(src=source, dst=destination, ttl=hops, tos=octet, id=rng.getrandbits(16)) / upper / content
        head = IPv6(src=source, dst=destination, hlim=hops, tc=octet, fl=rng.getrandbits(20))
        if rng.random() < 0.1:
            return (
                head
                / IPv6ExtHdrFragment(id=rng.getrandbits(32), offset=rng.randint(0, 99), m=rng.randint(0, 1), nh=17)
                / content
            )
        return head / upper / content

    def core_frame(self, rng):
        """From the core: mostly to mobile nodes; some unbound, some not ours, some with a forbidden source."""
        sources = [CN, CN4] * 9 + [MN4, HOA2]
        destinations = [MN1, MN2, MN3, MN4, HOA1, HOA2] * 3 + [
            "2001:db8:100:9::1",
            "203.0.113.77",
            "2001:db8:7::7",
            "192.0.2.9",
        ]
        return self.padded(rng, world.from_cn(self.inner(rng, sources, destinations)))

    def transport_frame(self, rng):
        """From the transport network: mostly right tunnels, some wrong pairs, some plain packets."""
        packet = self.inner(rng, [MN1, MN3, HOA1] * 4 + [MN2, HOA2], [CN, CN4] * 3 + [MN2, MN4, HOA2])
        if rng.random() < 0.05:
            return bytes(world.from_mag(packet))
        outer = IPv6(
            src=rng.choice([MAG1] * 8 + [MAG2, ROGUE]),
            dst=rng.choice([LMAA] * 9 + [LMAA2]),
            hlim=rng.randint(0, 255),
            tc=rng.randint(0, 255),
            fl=rng.getrandbits(20),
        )
        return self.padded(rng, world.from_mag(outer / packet))

    @staticmethod
    def padded(rng, frame):
        """Some frames carry octets beyond their packet, as short Ethernet frames do."""
        frame = bytes(frame)
        return frame + rng.randbytes(rng.randint(1, 40)) if rng.random() < 0.1 and len(frame) < 1400 else frame


if __name__ == "__main__":
    unittest.main()
