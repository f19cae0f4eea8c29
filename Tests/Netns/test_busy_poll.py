"""Busy polling: the LMA's worker never sleeps. (That it runs the driver's receive path needs a driver that says how: a
veth does not, and no other is here.)"""

import os
import time
import unittest

from cases import BothWays, DomainTest

PORTS = ("core", "transport1", "transport2")


def sleeps(daemon):
    """How often the daemon's worker has given its CPU up by itself."""
    tasks = f"/proc/{daemon.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/status", encoding="ascii") as file:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if facts["Name"].startswith("fp-worker"):
            return int(facts["voluntary_ctxt_switches"])
    raise RuntimeError(f"{daemon.name} has no worker")


class BusyPolling(BothWays, DomainTest):
    """The whole domain; the LMA polls, MAG1 is as ever."""

    @classmethod
    def prepare(cls, domain):
        cls.lma, cls.mag1 = domain.lma_daemon(busy_poll=64, workers=[1]), domain.mag_daemon(1, workers=[0])
        cls.lma.start().control.set(*domain.lma_records())
        cls.mag1.start().control.set(*domain.mag_records(1))
        return (cls.lma, cls.mag1)

    def test_its_worker_never_sleeps(self):
        before = sleeps(self.lma), sleeps(self.mag1)
        time.sleep(1.05)
        self.assertEqual(sleeps(self.lma) - before[0], 0)
        # Without it a worker sleeps for a tenth of a second at most.
        self.assertGreaterEqual(sleeps(self.mag1) - before[1], 5)

    def test_status_says_what_is_polled(self):
        said = self.lma.control.status()
        self.assertEqual([said[f"port.{port}.queue.0.busy-poll"] for port in PORTS], ["rings"] * 3)
        self.assertEqual(self.mag1.control.status()["port.access.queue.0.busy-poll"], "off")
        warnings = [words for words in said["warnings"] if "busy polling" in words]
        self.assertEqual([words.split(" ")[0] for words in sorted(warnings)], list(PORTS))
        self.assertNotIn("busy polling", str(self.mag1.control.status()))


if __name__ == "__main__":
    unittest.main()
