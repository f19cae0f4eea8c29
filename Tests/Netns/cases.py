"""What the namespace tests share: a domain per class, its teardown, and the conservation check after each test."""

import unittest

from testbed import Domain, traffic
from testbed.addresses import CN, CN4, HOA1, MN1


class DomainTest(unittest.TestCase):
    """A test on the reference domain. Subclasses put daemons or kernel peers into it in `prepare`."""

    daemons = ()
    taps = False
    peered = False
    queues = 1

    @classmethod
    def setUpClass(cls):
        cls.domain = Domain(taps=cls.taps, peered=cls.peered, queues=cls.queues)
        cls.addClassCleanup(cls.domain.close)
        cls.daemons = cls.prepare(cls.domain) or ()

    @classmethod
    def prepare(cls, domain):
        """Fills the domain; returns the daemons whose counters must balance after each test."""
        raise NotImplementedError

    def tearDown(self):
        # received = transmitted + kernel + dropped + held, in every test (contract, "Counters and reasons").
        for daemon in self.daemons:
            if daemon.process.poll() is not None:
                self.fail(f"{daemon.name} ended with {daemon.process.returncode}:\n{daemon.log()}")
            balance = []
            for _ in range(20):
                balance = daemon.conservation()
                if balance[0] == balance[1]:
                    break
            self.assertEqual(balance[0], balance[1], f"{daemon.name}: received and accounted frames differ")


class BothWays:
    """Traffic between CN and MN1 in both directions, IPv6 and IPv4. Mixed into a DomainTest."""

    ways = {
        "ipv6 downlink": ("cn", "mn1", MN1, CN),
        "ipv6 uplink": ("mn1", "cn", CN, MN1),
        "ipv4 downlink": ("cn", "mn1", HOA1, CN4),
        "ipv4 uplink": ("mn1", "cn", CN4, HOA1),
    }

    def each_way(self):
        """(client namespace, server namespace, destination, source) per way, inside a subTest."""
        for name, (client, server, address, source) in self.ways.items():
            with self.subTest(name):
                yield getattr(self.domain, client), getattr(self.domain, server), address, source

    def test_ping(self):
        for client, _server, address, source in self.each_way():
            self.assertEqual(client.ping(address, source=source, count=5), 5)

    def test_udp_payload(self):
        for client, server, address, source in self.each_way():
            sent, right = traffic.udp_exchange(client, server, address, source=source)
            self.assertEqual(right, sent)

    def test_tcp_payload(self):
        for client, server, address, source in self.each_way():
            self.assertTrue(traffic.tcp_exchange(client, server, address, source=source))

    def test_full_sized_packets(self):
        # 1500 octets inside, 1540 on the transport link of 1600: nothing may be cut or refused.
        for client, _server, address, source in self.each_way():
            size = 1500 - (48 if ":" in address else 28)
            self.assertEqual(client.ping(address, source=source, count=3, size=size), 3)


def load_tests(_loader, _tests, _pattern):
    """This file holds no tests of its own."""
    return unittest.TestSuite()
