"""The whole domain on our own planes: traffic both ways, mobile node to mobile node, spoofing, iperf3."""

import unittest

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from cases import BothWays, DomainTest
from testbed import RawPort, handover, traffic
from testbed.addresses import CN, CN4, HNP1, HOA2, LMAA, MAG1, MAG2, MAG_MAC, MN1, MN1_MAC, MN2
from testbed.bed import wait_until
from testbed.frames import is_tunnel, outer_addresses


class WholeDomain(BothWays, DomainTest):
    """LMA, MAG1 and MAG2, MN1 at MAG1 and MN2 at MAG2."""

    taps = True

    @classmethod
    def prepare(cls, domain):
        cls.lma, cls.mag1, cls.mag2 = domain.lma_daemon(), domain.mag_daemon(1), domain.mag_daemon(2)
        for daemon, wanted in (
            (cls.lma, domain.lma_records()),
            (cls.mag1, domain.mag_records(1)),
            (cls.mag2, domain.mag_records(2)),
        ):
            daemon.start().control.set(*wanted)
        return (cls.lma, cls.mag1, cls.mag2)

    def test_mobile_node_to_mobile_node(self):
        # S-25: through the LMA while local routing is off.
        for address, source in ((MN2, MN1), (HOA2, "203.0.113.10")):
            with self.subTest(address):
                self.assertEqual(self.domain.mn1.ping(address, source=source, count=5), 5)
                self.assertTrue(traffic.tcp_exchange(self.domain.mn1, self.domain.mn2, address, source=source))

    def test_transport_link_carries_plain_ipv6_in_ipv6(self):
        domain = self.domain
        for address, next_header in ((MN1, 41), ("203.0.113.10", 4)):
            with self.subTest(address), RawPort(domain.wire, "lma1") as down, RawPort(domain.wire, "mag1") as up:
                domain.cn.ping(address)
                for port, pair in ((down, (LMAA, MAG1)), (up, (MAG1, LMAA))):
                    frames = port.receive(accept=is_tunnel, timeout=0.2)
                    self.assertEqual([outer_addresses(frame) for frame in frames], [pair] * 3)
                    self.assertEqual({(frame[20], frame[21]) for frame in frames}, {(next_header, 64)})

    def test_local_routing_off_and_on(self):
        # R5213-17: MN1 and MN2 both at MAG2; off, each of 5 requests and 5 answers goes up to the LMA and comes down
        # again.
        domain = self.domain
        self.lma.control.set(*handover.binding(2))
        domain.move_mn1(2)
        try:
            for wanted, expected in ((False, 10), (True, 0), (False, 10)):
                self.mag2.control.set(*domain.mag_records(2, localRouting=wanted))
                with RawPort(domain.wire, "mag2") as up, RawPort(domain.wire, "lma2") as down:
                    self.assertEqual(domain.mn1.ping(MN2, source=MN1, count=5), 5)
                    self.assertEqual(len(up.receive(accept=is_tunnel, timeout=0.2)), expected)
                    self.assertEqual(len(down.receive(accept=is_tunnel, timeout=0.2)), expected)
        finally:
            self.mag2.control.set(*domain.mag_records(2))
            self.lma.control.set(*handover.binding(1))
            domain.move_mn1(1)

    def test_spoofed_source_from_the_access_link(self):
        spoofed = {
            "ipv6 source of another node": IPv6(src=MN2, dst=CN) / UDP(sport=1, dport=9) / b"spoof",
            "ipv6 source outside any prefix": IPv6(src="2001:db8:100:77::1", dst=CN) / UDP(sport=1, dport=9) / b"spoof",
            "ipv4 source of another node": IP(src=HOA2, dst=CN4) / UDP(sport=1, dport=9) / b"spoof",
        }
        for name, packet in spoofed.items():
            with self.subTest(name):
                self.assert_dropped(
                    self.domain.mn1,
                    "leg1",
                    Ether(src=MN1_MAC, dst=MAG_MAC) / packet,
                    self.mag1,
                    ("drop.source-not-bound", "drop.not-on-link"),
                )

    def test_spoofed_tunnels_at_the_lma(self):
        inner = IPv6(src=MN1, dst=CN, hlim=64) / UDP(sport=1, dport=9) / b"spoof"
        mac = self.mac_of(self.domain.lma, "transport1")
        for name, outer, counter in (
            ("unknown tunnel", IPv6(src="2001:db8:bad::1", dst=LMAA), "drop.unknown-tunnel"),
            ("right tunnel of another node", IPv6(src=MAG2, dst=LMAA), "drop.source-not-bound"),
        ):
            with self.subTest(name):
                self.assert_dropped(self.domain.mag1, "transport", Ether(dst=mac) / outer / inner, self.lma, (counter,))

    def test_spoofed_pool_source_from_the_core(self):
        packet = IPv6(src=MN2, dst=MN1) / UDP(sport=1, dport=9) / b"spoof"
        frame = Ether(dst=self.mac_of(self.domain.lma, "core")) / packet
        self.assert_dropped(self.domain.cn, "core", frame, self.lma, ("drop.martian",))

    def assert_dropped(self, namespace, interface, frame, daemon, counters):
        """Sends a frame 10 times: it raises exactly one of the counters by 10, and its payload is seen nowhere."""
        before = daemon.control.counters()
        watched = [(self.domain.cn, "core"), (self.domain.mn1, "leg1"), (self.domain.mn2, "leg2")]
        watched = [RawPort(*place) for place in watched if place != (namespace, interface)]
        try:
            with RawPort(namespace, interface) as port:
                for _ in range(10):
                    port.send(frame)

            def risen():
                now = daemon.control.counters()
                return [name for name in counters if now.get(name, 0) - before.get(name, 0) == 10]

            wait_until(risen, timeout=3, what=f"{daemon.name}: {' or '.join(counters)} up by 10")
            for port in watched:
                self.assertEqual([f for f in port.receive(timeout=0.1) if b"spoof" in f], [])
        finally:
            for port in watched:
                port.close()

    @staticmethod
    def mac_of(namespace, interface):
        """The MAC address of an interface."""
        return namespace.run(["cat", f"/sys/class/net/{interface}/address"]).stdout.strip()

    def test_iperf_tcp(self):
        for client, server, address, source in self.each_way():
            for reverse in (False, True):
                result = traffic.iperf(self.domain, client, server, address, source=source, reverse=reverse)
                self.assertGreater(result["mbps"], 50, "TCP runs, but far too slowly")

    def test_iperf_udp(self):
        for client, server, address, source in self.each_way():
            for reverse in (False, True):
                result = traffic.iperf(self.domain, client, server, address, source=source, udp=True, reverse=reverse)
                # iperf3's own socket holds some 90 datagrams: on a busy machine it loses a few itself. That the planes
                # lose none is the next test's business.
                self.assertLess(result["lost"], result["sent"] / 20)
                self.assertGreater(result["mbps"], 19)

    def test_stream_of_20_kpps_arrives_whole_and_in_order(self):
        for client, server, address, _source in self.each_way():
            stream = traffic.Stream(self.domain, client, server, address, rate=20000, seconds=2, size=200)
            result = stream.finish()
            self.assertEqual(result["overflow"], 0, "the receiving program was too slow: the run says nothing")
            self.assertGreater(result["sent"], 36000)
            self.assertEqual(
                traffic.order(stream.records(), result["sent"]), {"lost": 0, "duplicated": 0, "reordered": 0}
            )

    def test_dump_holds_every_field_that_was_set(self):
        dumped = [entry for entry in self.lma.control.dump() if entry.get("prefix") == HNP1]
        self.assertEqual(len(dumped), 1)
        self.assertEqual(dumped[0]["tunnel"], {"local": LMAA, "remote": MAG1})
        self.assertEqual(dumped[0]["mn"], "mn1@example")


if __name__ == "__main__":
    unittest.main()
