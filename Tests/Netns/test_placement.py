"""scripts/place-queues.py on a veth pair with two queues: shows, says what it would do, does it, and says how to undo it."""

import os
import re
import subprocess
import sys
import unittest

from testbed import Bed
from testbed.bed import ROOT

SCRIPTS = os.path.join(ROOT, "scripts")
SCRIPT = os.path.join(SCRIPTS, "place-queues.py")
KEYS = ("threaded", "napi_defer_hard_irqs", "gro_flush_timeout")
sys.path.append(SCRIPTS)
place_queues = __import__("place-queues")


class Placement(unittest.TestCase):
    def setUp(self):
        self.bed = Bed()
        self.addCleanup(self.bed.close)
        self.a, self.b = self.bed.namespace("a"), self.bed.namespace("b")
        self.bed.link(self.a, "fp-place", self.b, "fp-other", queues=2)
        self.a.ip("addr add 192.0.2.1/24 dev fp-place")
        self.b.ip("addr add 192.0.2.2/24 dev fp-other")

    def with_instances(self):
        """A veth has NAPI instances while GRO is on."""
        self.a.run(["ethtool", "-K", "fp-place", "gro", "on"])

    def place(self, *arguments, status=0):
        """What the script printed, on both outputs."""
        done = self.a.run([SCRIPT, *arguments], check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def values(self):
        """The interface's settings, by the files themselves."""
        return [self.a.run(["cat", f"/sys/class/net/fp-place/{key}"]).stdout.strip() for key in KEYS]

    def threads(self):
        """{thread: its CPUs} by the words of the script, the CPUs by `taskset`."""
        found = {}
        for thread in re.findall(r"thread (\d+)", self.place("fp-place")):
            with open(f"/proc/{thread}/comm", encoding="ascii") as file:
                self.assertRegex(file.read(), r"^napi/fp-place-\d+$")
            found[int(thread)] = subprocess.run(
                ["taskset", "-pc", thread], capture_output=True, text=True, check=True
            ).stdout.split()[-1]
        return found

    def test_without_apply_nothing_changes(self):
        self.with_instances()
        said = self.place("--threaded", "on", "--defer", "on", "--receive", "0", "fp-place")
        commands = [line for line in said.splitlines() if not line.startswith("#")]
        folder = "/sys/class/net/fp-place"
        self.assertEqual(
            commands,
            [f"echo 1 > {folder}/{KEYS[0]}", f"echo 2 > {folder}/{KEYS[1]}", f"echo 200000 > {folder}/{KEYS[2]}"],
        )
        self.assertEqual(self.values(), ["0", "0", "0"])

    def test_what_it_applies_is_there_and_its_undoing_undoes_it(self):
        self.with_instances()
        said = self.place("--threaded", "on", "--defer", "on", "--receive", "1,0", "--apply", "fp-place")
        self.assertEqual(self.values(), ["1", "2", "200000"])
        self.assertEqual(list(self.threads().values()), ["1", "0"])
        # A second time there is nothing left to do.
        again = self.place("--threaded", "on", "--defer", "on", "--receive", "1,0", "--apply", "fp-place")
        self.assertFalse([line for line in again.splitlines() if not line.startswith("#")], again)
        undo = [line.removeprefix("#   ") for line in said.split("# to undo it:\n")[1].splitlines()]
        self.a.run(["sh", "-ec", "\n".join(undo)])
        self.assertEqual(self.values(), ["0", "0", "0"])

    def test_the_threads_receive_the_packets(self):
        self.with_instances()
        self.place("--threaded", "on", "--apply", "fp-place")
        threads = list(self.threads())

        def runs():
            total = 0
            for thread in threads:
                with open(f"/proc/{thread}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[2])
            return total

        before = runs()
        self.assertEqual(self.b.ping("192.0.2.1", count=20), 20)
        # Each of twenty requests came alone and woke a thread.
        self.assertGreaterEqual(runs() - before, 20)

    def test_refusals_name_the_remedy(self):
        self.assertIn("no interface fp-none", self.place("fp-none", status=1))
        self.assertIn("no interface ..", self.place("..", status=1))
        self.assertIn("online are", self.place("--receive", "4095", "fp-place", status=2))
        self.assertIn("as 2,3", self.place("--receive", "1;2", "fp-place", status=2))
        # Without NAPI there is nothing to be threaded: nothing has changed.
        self.assertIn("gro on", self.place("--threaded", "on", "--apply", "fp-place", status=1))
        self.assertIn("see --threaded on", self.place("--receive", "0", "fp-place"))
        self.assertEqual(self.values(), ["0", "0", "0"])

    def test_queue_numbers_in_the_names_of_interrupts(self):
        # As request_irq() is given them: igb, i40e, ice, ena, mlx5, virtio_net; then what serves no receive queue.
        names = {
            "enp5s0-TxRx-3": 3,
            "i40e-ens1f0-TxRx-12": 12,
            "ice-ens1f0-TxRx-0": 0,
            "ens5-Tx-Rx-7": 7,
            "mlx5_comp4@pci:0000:3b:00.0": 4,
            "virtio0-input.1": 1,
            "virtio0-output.1": None,
            "virtio0-config": None,
            "mlx5_async0@pci:0000:3b:00.0": None,
            "i40e-0000:17:00.0:misc": None,
            "enp5s0": None,
        }
        self.assertEqual({name: place_queues.queue_of(name) for name in names}, names)


if __name__ == "__main__":
    unittest.main()
