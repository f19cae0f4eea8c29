"""What fastpathd must refuse at its start and not pass over: exit status 2, one sentence, and nobody else's file touched."""

import os
import pathlib
import socket
import subprocess
import time
import unittest

from testbed import Bed, configuration
from testbed.daemon import PRODUCTS


class Processor(unittest.TestCase):
    """As QEMU shows it to both programs."""

    def test_one_without_the_instructions_of_the_build(self):
        for program in ("fastpathd", "fastpathctl"):
            # Before the arguments are looked at: an instruction that is missing can be the first.
            done = subprocess.run(
                ["qemu-x86_64", "-cpu", "Nehalem", os.path.join(PRODUCTS, program), "--help"], capture_output=True,
                text=True, check=False, timeout=30)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertRegex(done.stderr, r"^this program .* x86-64-v3 .* FASTPATH_CPU=x86-64 .*\n$")

    def test_one_that_has_them(self):
        done = subprocess.run(
            ["qemu-x86_64", "-cpu", "max", os.path.join(PRODUCTS, "fastpathctl"), "--help"], capture_output=True,
            text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)


class StartRefusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.lma, cls.other = cls.bed.namespace("lma"), cls.bed.namespace("other")
        cls.bed.link(cls.lma, "core", cls.other, "core")
        cls.bed.link(cls.lma, "transport1", cls.other, "transport1", mtu=1600)

    def setUp(self):
        self.socket_path = self.bed.path("start.sock")
        ports = [configuration.port("core", "core"), configuration.port("transport1", "transport")]
        self.good = configuration.lma(ports=ports).text(self.socket_path)

    def refused(self, text, *, leaves_program=False):
        """The last words of a start that ends by itself with exit status 2."""
        path = self.bed.path("start.yaml")
        pathlib.Path(path).write_text(text, encoding="utf-8")
        command = self.lma.command([os.path.join(PRODUCTS, "fastpathd"), "--config", path])
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            # A queue that is busy is waited for, some seconds.
            _, words = process.communicate(timeout=12)
        except subprocess.TimeoutExpired:
            process.terminate()
            _, words = process.communicate(timeout=5)
            self.fail(f"it runs:\n{words}")
        self.assertEqual(process.returncode, 2, words)
        self.assertEqual("xdp" in self.lma.run(["ip", "link", "show"]).stdout, leaves_program)
        return words.splitlines()[-1]

    def test_group_that_does_not_exist(self):
        text = self.good.replace("control: {", "control: {group: no-such-group, ", 1)
        self.assertIn("group:", text)
        words = self.refused(text)
        self.assertRegex(words, r"no-such-group.*control\.group")
        self.assertFalse(os.path.exists(self.socket_path))

    def test_processor_that_does_not_exist(self):
        self.assertRegex(self.refused(self.good + "workers: [0, 4095]\n"), r"workers\[1\].*4095")

    def test_mode_that_the_driver_does_not_have(self):
        self.assertRegex(self.refused(self.good + "mode: zero-copy\n"), r"zero-copy.*mode: auto")

    def test_interface_that_another_daemon_has(self):
        path = self.bed.path("first.yaml")
        pathlib.Path(path).write_text(self.good.replace("start.sock", "first.sock"), encoding="utf-8")
        first = subprocess.Popen(
            self.lma.command([os.path.join(PRODUCTS, "fastpathd"), "--config", path]),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            while not os.path.exists(self.bed.path("first.sock")):
                self.assertLess(time.monotonic(), deadline, "the first daemon does not come up")
                time.sleep(0.05)
            self.assertRegex(self.refused(self.good, leaves_program=True), r"core.*another program.*stop it")
        finally:
            first.terminate()
            self.assertEqual(first.wait(timeout=5), 0)

    def test_socket_of_a_daemon_too_busy_to_answer(self):
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
            listener.bind(self.socket_path)
            self.addCleanup(pathlib.Path(self.socket_path).unlink, missing_ok=True)
            listener.listen(0)
            waiting.connect(self.socket_path)  # The backlog is full: the next one is not refused, but not taken either.
            inode = os.stat(self.socket_path).st_ino
            self.assertIn("start.sock", self.refused(self.good))
            self.assertEqual(os.stat(self.socket_path).st_ino, inode)


if __name__ == "__main__":
    unittest.main()
