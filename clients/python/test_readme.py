"""The examples of README.md, run as they stand there."""

import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fastpath_client as fp  # noqa: E402
from fake_dataplane import FakeDataPlane, Server  # noqa: E402

MAG1, MAG2 = "2001:db8:a::1", "2001:db8:b::1"


def examples():
    """The Python blocks in their order."""
    return re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)


class ControlDaemon(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="fp-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "fake.sock")
        self.plane = None

    def serve(self):
        """A new data plane on the old socket."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.plane = FakeDataPlane()
        server = Server(self.path, self.plane)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(server.shutdown)

    def start(self):
        """The example, with its lines read as they come."""
        script = os.path.join(self.directory, "daemon.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(examples()[0])
        self.daemon = subprocess.Popen(
            [sys.executable, script, self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env=dict(os.environ, PYTHONPATH=str(HERE)))
        self.addCleanup(self.daemon.stdout.close)
        self.addCleanup(self.daemon.wait, 10)
        self.addCleanup(self.daemon.stdin.close)

    def expect(self, *lines):
        """The daemon's next lines, but for those of lost connections."""
        for line in lines:
            words = "lost"
            while words.startswith("lost"):
                self.assertTrue(select.select([self.daemon.stdout], [], [], 10)[0], f"nothing; {line} expected")
                words = self.daemon.stdout.readline().decode().strip()
            self.assertEqual(words, line)

    def say(self, line):
        self.daemon.stdin.write((line + "\n").encode())

    def held(self):
        """Prefix and gateway of what the plane has."""
        return {record.prefix: record.remote for record in self.plane.tables[fp.BINDINGS].values()}

    def test_it_works(self):
        self.assertLessEqual(len([line for line in examples()[0].splitlines() if line.strip()]), 42)
        one, two = "2001:db8:100:1::/64", "2001:db8:100:2::/64"
        self.serve()
        self.plane.upsert([fp.Binding("2001:db8:100:9::/64", "2001:db8:1::1", MAG1)], 7)
        self.start()
        self.expect("replaced removed 1")
        self.say(f"{one} {MAG1}")
        self.say(f"{two} {MAG1}")
        self.expect(f"done {one} {MAG1}", f"done {two} {MAG1}")
        # A handover.
        self.say(f"{one} {MAG2}")
        self.expect(f"done {one} {MAG2}")
        self.assertEqual(self.held(), {one: MAG2, two: MAG1})
        self.assertEqual([seen[1] for seen in self.plane.seen if seen[0] == fp.UPSERT][-1], fp.ATOMIC | fp.QUIESCED)
        # Paging; a change by the command line.
        self.plane.emit("unbound", prefix="2001:db8:100:5::/64", address="2001:db8:100:5::1", port="core")
        self.expect("unbound 2001:db8:100:5::/64")
        with fp.Client(self.path) as command_line:
            command_line.upsert([fp.Binding("2001:db8:100:7::/64", "2001:db8:1::1", MAG1)])
        self.expect("changed 2001:db8:100:7::/64")
        # The connection is lost, and what is stale goes; the command line's entry stays.
        self.plane.upsert([fp.Binding("2001:db8:100:8::/64", "2001:db8:1::1", MAG1)], 7)
        self.plane.disconnect_all()
        self.expect("synchronised removed 1")
        self.assertEqual(self.held(), {one: MAG2, two: MAG1, "2001:db8:100:7::/64": MAG1})
        # The data plane is a new one.
        old = self.plane
        self.serve()
        old.disconnect_all()
        self.expect("replaced removed 0")
        self.assertEqual(self.held(), {one: MAG2, two: MAG1})
        self.say(f"{two} -")
        self.expect(f"done {two} -")
        self.assertEqual(self.held(), {one: MAG2})
        self.daemon.stdin.close()
        self.assertEqual(self.daemon.wait(10), 0)

    def test_packing_without_objects(self):
        names = {}
        exec(compile(examples()[1], "README.md", "exec"), names)
        packed = names["packed"]
        self.assertEqual(packed.count, 100_000)
        started = time.monotonic()
        same = fp.pack_records([fp.Binding(f"2001:db8:100:{number:x}::/64".replace(":0::", "::"), "2001:db8:1::1", MAG1,
                                           lifetime=3600) for number in range(200)])
        self.assertEqual(packed.octets[:200 * 64], same.octets)
        self.assertLess(time.monotonic() - started, 5)


if __name__ == "__main__":
    unittest.main()
