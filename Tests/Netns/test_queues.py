"""Ports with two receive queues: two workers, each with its queue of every port, forward side by side."""

import re
import time

from cases import BothWays, DomainTest
from testbed.addresses import CN, MN1

FLOWS = (
    "import socket, sys\n"
    "for port in range(40000, 40256):\n"
    "    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind((sys.argv[1], port))\n"
    "    for _ in range(4): s.sendto(b'x' * 64, (sys.argv[2], 9))\n"
)


class TwoQueues(BothWays, DomainTest):
    """The whole domain of WholeDomain, on links of two queues."""

    queues = 2

    @classmethod
    def prepare(cls, domain):
        cls.lma, cls.mag1 = domain.lma_daemon(), domain.mag_daemon(1)
        cls.lma.start().control.set(*domain.lma_records())
        cls.mag1.start().control.set(*domain.mag_records(1))
        return (cls.lma, cls.mag1)

    def redirected(self):
        """Packets that the LMA's program redirected on each queue of its core port, as veth counts them."""
        text = self.domain.lma.run(["ethtool", "-S", "core"]).stdout
        return [int(count) for count in re.findall(r"rx_queue_\d+_xdp_redirect: (\d+)", text)]

    def test_flows_of_both_queues_arrive(self):
        before, sent = self.redirected(), self.lma.control.counters().get("tx.transport1", 0)
        self.assertEqual(len(before), 2)
        self.domain.cn.run(["/usr/bin/python3", "-c", FLOWS, CN, MN1])
        time.sleep(0.5)
        steered = [after - earlier for after, earlier in zip(self.redirected(), before)]
        # 256 flows: a queue that gets fewer than a tenth of them is not one of two.
        self.assertGreater(min(steered), 100, steered)
        self.assertGreaterEqual(self.lma.control.counters()["tx.transport1"] - sent, 1024)

    def test_status_names_both_queues(self):
        names = str(self.lma.control.status())
        for port in ("core", "transport1", "transport2"):
            for queue in (0, 1):
                self.assertIn(f"port.{port}.queue.{queue}.mode", names)
