"""A daemon that dies leaves the host working and can be brought back by a dump of its tables."""

import json
import os
import time
import unittest

from testbed import Domain
from testbed.addresses import CN, LMA_CORE, LMA_CORE4, MN1, TRANSPORT1
from testbed.bed import wait_until
from testbed.control import ndjson


class Crash(unittest.TestCase):
    """SIGKILL of the LMA in the middle of its work."""

    def setUp(self):
        self.domain = Domain()
        self.addCleanup(self.domain.close)
        self.lma, self.mag = self.domain.lma_daemon(), self.domain.mag_daemon(1)
        self.lma.start().control.set(*self.domain.lma_records())
        self.mag.start().control.set(*self.domain.mag_records(1))

    def programs(self):
        """Interfaces of the LMA that carry an XDP program."""
        links = json.loads(self.domain.lma.run(["ip", "-json", "link", "show"]).stdout)
        return sorted(link["ifname"] for link in links if "xdp" in link)

    def test_kill_leaves_nothing_behind_and_the_host_reachable(self):
        self.assertEqual(self.programs(), ["core", "transport1", "transport2"])
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.lma.kill()
        wait_until(lambda: self.programs() == [], timeout=5, what="XDP programs gone after SIGKILL")
        for namespace, address in (
            (self.domain.cn, LMA_CORE),
            (self.domain.cn, LMA_CORE4),
            (self.domain.mag1, f"{TRANSPORT1}::1"),
        ):
            self.assertEqual(namespace.ping(address), 3, f"{address} after SIGKILL")
        self.assertEqual(self.domain.cn.ping(MN1, wait=0.3), 0, "somebody else forwards: the test bed is wrong")

    def test_ending_politely_detaches_within_two_seconds(self):
        started = time.monotonic()
        self.assertEqual(self.lma.stop(), 0)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(self.programs(), [])

    def test_load_of_a_dump_restores_forwarding(self):
        before = self.lma.control.dump()
        path = self.domain.path("dump.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ndjson(before))
        self.lma.kill()
        self.lma.start()
        self.assertEqual(self.domain.cn.ping(MN1, wait=0.3), 0)
        self.lma.control.load(path)
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.assertEqual(self.domain.mn1.ping(CN), 3)
        self.assertEqual(
            sorted(ndjson([entry]) for entry in self.lma.control.dump()), sorted(ndjson([e]) for e in before)
        )

    def test_five_fast_restarts_under_traffic(self):
        # The kernel releases AF_XDP sockets late: the next start must outlast the EBUSY of the one before.
        for _ in range(5):
            self.lma.kill()
            self.lma.start()
        self.lma.control.set(*self.domain.lma_records())
        self.assertEqual(self.domain.cn.ping(MN1), 3)

    def test_only_configured_interfaces_are_touched(self):
        self.assertEqual(self.domain.mag1.run(["ip", "-json", "link", "show", "lo"]).stdout.count("xdp"), 0)
        self.assertTrue(os.path.exists(self.lma.socket_path))
        self.assertEqual(os.stat(self.lma.socket_path).st_mode & 0o777, 0o660)


if __name__ == "__main__":
    unittest.main()
