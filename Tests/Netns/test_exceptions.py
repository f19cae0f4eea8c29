"""What needs more than a turn, on real interfaces: ICMP errors that hosts understand, path MTUs, outer fragments."""

import socket
import unittest

from cases import DomainTest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from testbed import traffic
from testbed.addresses import CN, CN4, HOA1, LMA_ROUTER4, LMAA, MAG1, MN1

# An address of the MAG to speak IPv4 errors from.
MAG_ROUTER4 = "192.0.2.2"
NARROW = 1400
PORT = 7700


class Errors(DomainTest):
    """Both daemons, and a transport link of 1400 octets between them."""

    @classmethod
    def prepare(cls, domain):
        domain.lma.ip(f"link set transport1 mtu {NARROW}")
        domain.mag1.ip(f"link set transport mtu {NARROW}")
        cls.lma = domain.lma_daemon()
        cls.mag1 = domain.mag_daemon(1, router_addresses=[MAG1, MAG_ROUTER4])
        cls.lma.start().control.set(*domain.lma_records())
        cls.mag1.start().control.set(*domain.mag_records(1))
        return (cls.lma, cls.mag1)

    def last_words(self, client, address, hops, source):
        """What ping prints when its packet's hops are used up on the way."""
        done = client.run(["ping", "-c", "1", "-W", "2", "-t", hops, "-I", source, address], check=False, timeout=15)
        return done.stdout

    def test_hop_limit_one_is_answered_by_the_router_on_the_way(self):
        # Not the MAG's answers to the CN: they are plain packets to the LMA's kernel, which does not forward here.
        domain = self.domain
        for client, address, hops, source, router, words in (
            (domain.cn, MN1, 1, CN, LMAA, "Time exceeded: Hop limit"),
            (domain.cn, HOA1, 1, CN4, LMA_ROUTER4, "Time to live exceeded"),
            (domain.mn1, CN, 1, MN1, MAG1, "Time exceeded: Hop limit"),
            (domain.mn1, CN4, 1, HOA1, MAG_ROUTER4, "Time to live exceeded"),
            # The LMA's answer comes through the tunnel of the binding.
            (domain.mn1, CN, 2, MN1, LMAA, "Time exceeded: Hop limit"),
            (domain.mn1, CN4, 2, HOA1, LMA_ROUTER4, "Time to live exceeded"),
        ):
            with self.subTest(client=client.name, address=address, hops=hops):
                said = self.last_words(client, address, hops, source)
                self.assertIn(words, said)
                self.assertIn(f"From {router}", said)

    def test_hosts_learn_the_path_of_the_tunnel(self):
        # TCP offers 1460 octets a segment; without Packet Too Big nothing of that size would arrive.
        domain = self.domain
        for client, server, address, source in (
            (domain.cn, domain.mn1, MN1, CN),
            (domain.mn1, domain.cn, CN, MN1),
            (domain.cn, domain.mn1, HOA1, CN4),
            (domain.mn1, domain.cn, CN4, HOA1),
        ):
            with self.subTest(source=source):
                self.assertTrue(traffic.tcp_exchange(client, server, address, source=source))
                route = client.run(["ip", "route", "get", address, "from", source]).stdout
                self.assertIn(f"mtu {NARROW - 40}", route)

    def test_counters_name_what_was_sent(self):
        self.last_words(self.domain.cn, MN1, 1, CN)
        self.assertGreaterEqual(self.lma.control.counters().get("originated.time-exceeded", 0), 1)


class Fragments(DomainTest):
    """Our LMA, and the kernel of a MAG that cuts tunnel packets and puts them together."""

    @classmethod
    def prepare(cls, domain):
        # Only the MAG's kernel thinks that the link is narrow: it cuts what it sends.
        domain.mag1.ip("link set transport mtu 1280")
        cls.lma = domain.lma_daemon().start()
        cls.lma.control.set(*domain.lma_records())
        cls.lma.control.set({"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1240})
        return (cls.lma,)

    def tunnel(self):
        """The kernel's own IPv6 with next header 41 at the MAG: it adds and removes outer headers and fragments."""
        with self.domain.mag1.entered():
            opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 41)
        opened.bind((MAG1, 0))
        opened.settimeout(3)
        return opened

    def test_fragmented_outer_packets_of_a_kernel_arrive(self):
        with self.domain.cn.entered():
            listening = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with listening, self.tunnel() as tunnel:
            listening.bind((CN, PORT))
            listening.settimeout(3)
            for size in (1193, 1250, 1400, 1452):
                payload = bytes(number % 251 for number in range(size))
                packet = IPv6(src=MN1, dst=CN) / UDP(sport=PORT, dport=PORT) / Raw(payload)
                tunnel.sendto(bytes(packet), (LMAA, 0))
                self.assertEqual(listening.recv(65536), payload)
        self.assertGreaterEqual(self.lma.control.counters().get("consumed.fragment", 0), 4)

    def test_our_fragments_are_a_packet_to_a_kernel(self):
        with self.domain.cn.entered():
            asking = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with asking, self.tunnel() as tunnel:
            asking.bind((CN, PORT))
            for size in (1193, 1200, 1232):
                payload = bytes(number % 249 for number in range(size))
                asking.sendto(payload, (MN1, PORT))
                inner = IPv6(tunnel.recv(65536))
                self.assertEqual((inner.src, inner.dst, inner.hlim), (CN, MN1, 63))
                self.assertEqual(bytes(inner[UDP].payload), payload)
        self.assertGreaterEqual(self.lma.control.counters().get("originated.fragment", 0), 3)


if __name__ == "__main__":
    unittest.main()
