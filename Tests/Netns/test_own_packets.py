"""Packets between an LMA itself and its mobile nodes (RPUNT-6): by the tunnel in both directions, or not at all.

Nothing but the LMA's own routes into its TUN device can bring them there: the CN forwards nothing, and what leaves by the
LMA's default route ends at the CN.
"""

import json
import os
import subprocess
import time
import unittest

from scapy.layers.inet6 import ICMPv6EchoReply, IPv6
from scapy.layers.l2 import Ether

from testbed import Domain, RawPort, configuration
from testbed.addresses import CN, HOA1, LMA_CORE4, LMAA, MAG1, MN1, POOLS
from testbed.bed import wait_until
from testbed.daemon import Daemon

# The number by which the routes show who made them (docs/OPERATIONS.md).
PROTOCOL = 201
UNBOUND = "2001:db8:100:9::1"


def routes(namespace):
    """{prefix: device} of the routes that a daemon has made here."""
    found = {}
    for family in ("-4", "-6"):
        text = namespace.run(["ip", "-json", family, "route", "show", "proto", PROTOCOL]).stdout
        found.update({route["dst"]: route["dev"] for route in json.loads(text or "[]")})
    return found


class OwnPackets(unittest.TestCase):
    """A domain with LMA and MAG1; the link between them can be watched."""

    def setUp(self):
        self.domain = Domain(taps=True)
        self.addCleanup(self.domain.close)
        self.lma, self.mag = self.domain.lma_daemon(), self.domain.mag_daemon(1)
        self.lma.start().control.set(*self.domain.lma_records())
        self.mag.start().control.set(*self.domain.mag_records(1))

    def conserves(self):
        """Every packet has one fate, this host's own as well."""
        wait_until(lambda: len(set(self.lma.conservation())) == 1, timeout=2, what=f"{self.lma.conservation()}")

    def test_an_echo_to_the_lma_is_answered_and_the_answer_enters_the_tunnel(self):
        with RawPort(self.domain.wire, "lma1") as down:
            self.assertEqual(self.domain.mn1.ping(LMAA, source=MN1), 3)
            answers = [Ether(frame)[IPv6] for frame in down.receive(timeout=0.2)]
        answers = [packet for packet in answers if ICMPv6EchoReply in packet]
        self.assertEqual(len(answers), 3)
        for outer in answers:
            self.assertEqual((outer.src, outer.dst, outer.nh), (LMAA, MAG1, 41))
            inner = outer.payload
            # The node that makes a packet takes no hop off it (RFC 2473 section 3.1).
            self.assertEqual((inner.src, inner.dst, inner.hlim), (LMAA, MN1, 64))
        counters = self.lma.control.counters()
        self.assertGreaterEqual(counters["originated.local"], 3)
        self.assertGreaterEqual(counters[f"tunnel.{LMAA}.{MAG1}.down.packets"], 3)
        self.conserves()

    def test_the_same_for_ipv4(self):
        self.assertEqual(self.domain.mn1.ping(LMA_CORE4, source=HOA1), 3)

    def test_the_lma_reaches_a_mobile_node(self):
        for address, source in ((MN1, LMAA), (HOA1, LMA_CORE4)):
            # 1400 octets are more than such a route takes at once: the kernel cuts its own packets.
            for size in (56, 1400):
                with self.subTest(address=address, size=size):
                    self.assertEqual(self.domain.lma.ping(address, source=source, size=size), 3)
        self.conserves()

    def test_to_an_address_without_binding_nothing_leaves(self):
        before = self.lma.control.counters().get("drop.no-binding", 0)
        with RawPort(self.domain.cn, "core") as core:
            self.assertEqual(self.domain.lma.ping(UNBOUND, source=LMAA, count=2, wait=0.3), 0)
            seen = [Ether(frame) for frame in core.receive(timeout=0.2)]
        self.assertEqual([p for p in seen if IPv6 in p and p[IPv6].dst == UNBOUND], [])
        self.assertEqual(self.lma.control.counters()["drop.no-binding"], before + 2)
        self.conserves()

    def test_the_routes_are_of_the_tun_device_and_end_with_the_process(self):
        self.assertEqual(routes(self.domain.lma), {pool: "fpk0" for pool in POOLS})
        # A gateway has no pools.
        self.assertEqual(routes(self.domain.mag1), {})
        self.lma.kill()
        self.assertEqual(routes(self.domain.lma), {})
        # As before the start: by the default route, the kernel's way.
        self.assertIn("dev core", self.domain.lma.run(["ip", "-6", "route", "get", MN1]).stdout)

    def test_a_second_daemon_leaves_the_routes_of_the_first_and_says_so(self):
        for name in ("core9", "transport9"):
            self.domain.link(self.domain.lma, name, self.domain.cn, name, mtu=1600)
        ports = [configuration.port("core9", "core", mtu=1500), configuration.port("transport9", "transport")]
        second = Daemon(self.domain, self.domain.lma, "second", configuration.lma(ports=ports)).start()
        warnings = json.dumps(second.control.status())
        for pool in POOLS:
            self.assertIn(f"no kernel route to {pool}", warnings)
        self.assertEqual(routes(self.domain.lma), {pool: "fpk0" for pool in POOLS})
        self.assertEqual(self.domain.mn1.ping(LMAA, source=MN1), 3)
        self.assertEqual(second.stop(), 0)
        self.assertEqual(self.domain.mn1.ping(LMAA, source=MN1), 3)

    def test_a_flood_of_its_own_keeps_nobody_from_forwarding(self):
        flood = self.domain.start(
            ["ping", "-6", "-q", "-f", "-s", "1200", "-I", LMAA, MN1], namespace=self.domain.lma,
            stdout=subprocess.DEVNULL,
        )
        time.sleep(0.2)
        self.assertEqual(self.domain.cn.ping(MN1, count=20), 20)
        self.assertIsNone(flood.poll())
        self.assertEqual(self.lma.stop(), 0)

    def test_without_the_device_the_plane_goes_on_and_its_slow_path_sleeps(self):
        self.domain.lma.ip("link del fpk0")
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        before = self.slow_path_ticks()
        time.sleep(0.5)
        # A thread that spins takes 50 ticks of a hundredth of a second.
        self.assertLess(self.slow_path_ticks() - before, 20)
        self.assertEqual(self.domain.mn1.ping(CN), 3)

    def slow_path_ticks(self):
        """CPU time of the slow path's thread."""
        tasks = f"/proc/{self.lma.process.pid}/task"
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/stat", encoding="ascii") as file:
                name, fields = file.read().split("(")[1].split(")")
            if name == "fp-slowpath":
                return sum(map(int, fields.split()[11:13]))
        raise AssertionError("no slow path")


if __name__ == "__main__":
    unittest.main()
