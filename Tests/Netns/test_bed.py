"""The test bed itself: its measuring tools tell right from wrong, and nothing of it stays behind."""

import json
import os
import signal
import subprocess
import sys
import unittest

from testbed import Bed, Domain, RawPort, traffic
from testbed.bed import wait_until
from testbed.handover import judge

HERE = os.path.dirname(os.path.abspath(__file__))


class Judgement(unittest.TestCase):
    """Loss, duplication, order and direction, on records made by hand."""

    def test_order(self):
        records = [(sequence, 0, 0, 1, 64) for sequence in (0, 1, 3, 2, 3, 5)]
        self.assertEqual(traffic.order(records, 7), {"lost": 2, "duplicated": 1, "reordered": 1})

    def test_misdirected_packets_are_found(self):
        # Leg 1 from 100 to 200, leg 2 from 300 to 400.
        periods = [(100, 200, 1), (300, 400, 2)]
        records = [
            (0, 50, 60, 2, 64),  # before any acknowledgement: not judged
            (1, 110, 120, 1, 64),  # right
            (2, 110, 120, 2, 64),  # wrong
            (3, 190, 210, 2, 64),  # under way while the next handover is asked for: either leg is right
            (4, 250, 260, 1, 64),  # between request and acknowledgement
            (5, 310, 320, 1, 64),  # on the old leg after the acknowledgement: wrong
            (6, 310, 320, 2, 64),  # right
        ]
        self.assertEqual(judge(records, periods), (4, 2))


class Links(unittest.TestCase):
    """A link carries frames as they are, and a stream is recorded packet by packet."""

    @classmethod
    def setUpClass(cls):
        cls.bed = Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.a, cls.b = cls.bed.namespace("a"), cls.bed.namespace("b")
        cls.bed.link(cls.a, "left", cls.b, "right")
        cls.a.ip("addr add 2001:db8::1/64 dev left")
        cls.b.ip("addr add 2001:db8::2/64 dev right")

    def test_frames_arrive_as_sent(self):
        plain = bytes.fromhex("020000000002" "020000000001" "88b5") + bytes(range(64))
        tagged = plain[:12] + bytes.fromhex("81000064") + plain[12:]
        with RawPort(self.a, "left") as left, RawPort(self.b, "right") as right:
            for frame in (plain, tagged, plain):
                left.send(frame)
            self.assertEqual(right.receive(accept=lambda f: f[:6] == plain[:6], timeout=0.3), [plain, tagged, plain])

    def test_each_answer_to_an_echo_request_counts_once(self):
        self.assertEqual(self.a.ping("2001:db8::2", count=5, interval=0.01), 5)
        self.assertEqual(self.a.ping("2001:db8::2", source="2001:db8::1", size=1452), 3)
        self.assertEqual(self.a.ping("2001:db8::3", wait=0.1), 0)

    def test_interfaces_can_ask_for_neighbours_when_a_domain_is_made(self):
        with Domain() as domain:
            for role, namespace in domain.namespaces.items():
                for link in json.loads(namespace.run(["ip", "-j", "-6", "addr"]).stdout):
                    if link["ifname"] == "lo":
                        continue
                    with self.subTest(role, interface=link["ifname"]):
                        self.assertEqual(link["operstate"], "UP")
                        scopes = [one["scope"] for one in link["addr_info"] if not one.get("tentative")]
                        self.assertIn("link", scopes)

    def test_stream_is_recorded(self):
        stream = traffic.Stream(self.bed, self.a, self.b, "2001:db8::2", rate=5000, seconds=0.5, size=100)
        result = stream.finish()
        records = stream.records()
        self.assertEqual(traffic.order(records, result["sent"]), {"lost": 0, "duplicated": 0, "reordered": 0})
        self.assertEqual({(interface, length) for *_, interface, length in records}, {(2, 100)})
        self.assertGreater(result["sent"], 2000)


class Teardown(unittest.TestCase):
    """Whatever ends the maker, its namespaces go."""

    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from testbed import Bed\n"
        "bed = Bed(); a = bed.namespace('a'); b = bed.namespace('b'); bed.link(a, 'left', b, 'right')\n"
        "child = bed.start(['sleep', '600'], namespace=a)\n"
        "print(a.name, child.pid, flush=True)\n"
        "if sys.argv[2] == 'raise': raise ValueError('as asked')\n"
        "time.sleep(600)\n"
    )

    def maker(self, mode):
        """A process that makes a bed and starts a program; returns it and the name of a namespace of that bed."""
        process = subprocess.Popen(
            [sys.executable, "-c", self.program, HERE, mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # A shell's background job ignores SIGINT, one under nohup SIGHUP, and so would their children.
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)],
        )
        self.addCleanup(process.stdout.close)
        name, child = process.stdout.readline().split()
        self.child = child
        return process, name

    def assert_gone(self, name):
        wait_until(lambda: not os.path.exists(f"/run/netns/{name}"), timeout=10, what=f"{name} deleted")
        wait_until(lambda: not os.path.exists(f"/proc/{self.child}"), timeout=10, what="the started program ended")

    def test_exception(self):
        process, name = self.maker("raise")
        self.assertEqual(process.wait(timeout=10), 1)
        self.assert_gone(name)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                process, name = self.maker("wait")
                process.send_signal(number)
                process.wait(timeout=10)
                self.assert_gone(name)

    def test_a_killed_maker_is_cleaned_up_after_by_the_next(self):
        process, name = self.maker("wait")
        process.kill()
        process.wait(timeout=10)
        self.assertTrue(os.path.exists(f"/run/netns/{name}"))
        with Bed():
            self.assert_gone(name)


if __name__ == "__main__":
    unittest.main()
