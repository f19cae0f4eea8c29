"""Handovers under load: what is sent after an acknowledgement takes the new tunnel; nothing is lost or doubled."""

import unittest

from cases import DomainTest
from testbed import handover
from testbed.addresses import HOA1, MN1


class Handover(DomainTest):
    """MN1 is served by both MAGs; the LMA's binding decides on which leg its packets arrive."""

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

    def check(self, address, count):
        result = handover.run(self.domain, self.lma.control, address, count=count, rate=20000)
        self.assertEqual(result["overflow"], 0, "the receiving program was too slow: the run says nothing")
        self.assertGreater(result["pps"], 18000, "the stream did not reach its rate: the run says nothing")
        self.assertGreaterEqual(result["judged"], 20 * count, "too few packets between handovers to judge them")
        self.assertEqual((result["lost"], result["duplicated"], result["misdirected"]), (0, 0, 0), result)

    def test_1000_handovers_under_20_kpps(self):
        self.check(MN1, 1000)

    def test_100_handovers_ipv4(self):
        self.check(HOA1, 100)


if __name__ == "__main__":
    unittest.main()
