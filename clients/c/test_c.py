"""The C headers: they compile without a warning and agree with the golden frames; the example speaks to a plane."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import fastpath_client as fp  # noqa: E402
from fake_dataplane import FakeDataPlane, Server  # noqa: E402

GOLDEN = HERE.parent.parent / "Tests" / "ControlProtocolTests" / "Golden"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wconversion"]
C11 = ["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", *WARNINGS]


class CompiledTest(unittest.TestCase):
    """With a folder for what is compiled."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="fp-")
        self.addCleanup(shutil.rmtree, self.directory)

    def compiled(self, name, *sources):
        """The program's path."""
        program = os.path.join(self.directory, name)
        done = subprocess.run([*C11, "-o", program, *map(str, sources)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return program


class Header(CompiledTest):
    def test_every_header_stands_in_c_and_in_cxx(self):
        for compiler, ending in ((C11, "c"), (["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror"], "cpp")):
            source = os.path.join(self.directory, f"alone.{ending}")
            with open(source, "w", encoding="ascii") as file:
                file.write('#include "fastpath_protocol.h"\nint main(void) { return 0; }\n')
            done = subprocess.run([*compiler, f"-I{HERE}", "-fsyntax-only", source], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_numbers_are_those_of_the_python_client(self):
        """Two clients written apart from each other: the names that both have are the same numbers."""
        names = [name for name in (
            "HELLO UPSERT DELETE LOOKUP DUMP STATUS COUNTERS BARRIER PING TXN_BEGIN TXN_COMMIT TXN_ABORT SYNC_BEGIN"
            " SYNC_END SUBSCRIBE EVENT STATS ATOMIC QUIESCED MORE REPLACE REPLY BINDINGS TUNNELS ROUTES VISITORS PEERS"
            " OK MALFORMED UNSUPPORTED VERSION_MISMATCH TOO_LARGE NOT_PERMITTED INVALID STALE NOT_FOUND UNAVAILABLE"
            " CONFLICT INTERNAL_FAILURE HELLO_REQUIRED NO_INDEX MAJOR MINOR LARGEST_PAYLOAD MOST_RECORDS").split()]
        events = {f"EVENT_{name.upper().replace('-', '_')}": kind for name, kind in fp.EVENT_KINDS.items()}
        source = os.path.join(self.directory, "numbers.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(f'#include "{HERE}/fastpath_protocol.h"\n#include <stdio.h>\nint main(void)\n{{\n')
            file.writelines(f'printf("%lu\\n", (unsigned long)FP_{name});\n' for name in [*names, *events])
            file.write("return 0;\n}\n")
        said = subprocess.run([self.compiled("numbers", source)], capture_output=True, text=True, check=True).stdout
        self.assertEqual([int(line) for line in said.split()], [getattr(fp, name) for name in names]
                         + list(events.values()))


class GoldenFrames(CompiledTest):
    def run_on(self, folder):
        """(name, verdict) of every golden frame."""
        program = self.compiled("golden", *(HERE / "golden").glob("*.c"))
        done = subprocess.run([program, str(folder)], capture_output=True, text=True, check=False)
        return done.returncode, dict(line.split(" ", 1) for line in done.stdout.splitlines())

    def test_all_agree(self):
        status, verdicts = self.run_on(GOLDEN)
        self.assertEqual(set(verdicts), {path.stem for path in GOLDEN.glob("*.hex")})
        for name, verdict in verdicts.items():
            with self.subTest(name):
                self.assertEqual(verdict, "ok")
        self.assertEqual(status, 0)

    def test_any_other_octet_is_seen(self):
        folder = os.path.join(self.directory, "golden-frames")
        shutil.copytree(GOLDEN, folder)
        changes = {"txn-commit": lambda octets: octets[:-1] + b"\1", "event-bulk": lambda octets: octets[:-1],
                   "upsert-mag": lambda octets: octets + b"\0"}
        for name, change in changes.items():
            path = pathlib.Path(folder, f"{name}.hex")
            path.write_text(change(bytes.fromhex(path.read_text())).hex(" "))
        status, verdicts = self.run_on(folder)
        self.assertEqual(status, 1)
        self.assertEqual({name for name, verdict in verdicts.items() if verdict != "ok"},
                         set(changes))
        self.assertEqual(verdicts["txn-commit"], "differs at 39")


class Example(CompiledTest):
    def setUp(self):
        super().setUp()
        self.program = self.compiled("example", HERE / "example.c")
        self.path = os.path.join(self.directory, "fake.sock")
        self.plane = FakeDataPlane()
        server = Server(self.path, self.plane)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(server.shutdown)

    def run_example(self, *arguments):
        """The finished example."""
        return subprocess.run([self.program, self.path, *arguments], capture_output=True, text=True, check=False,
                              timeout=20)

    def test_sets_and_reads_back(self):
        for expected in ("applied 1, unchanged 0", "applied 0, unchanged 1"):
            done = self.run_example("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.splitlines()[1:], [
                expected, "2001:db8:100:1::/64 by 2001:db8:a::1, 2 packets down"])
        self.assertEqual(list(self.plane.tables[fp.BINDINGS].values()), [
            fp.Binding("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1", lifetime=3600)])

    def test_says_why_it_is_refused(self):
        self.plane.refuse = lambda record: ("tunnel.local", "is no local address")
        done = self.run_example("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1")
        self.assertEqual((done.returncode, done.stderr), (1, "refused (6): tunnel.local: is no local address\n"))

    def test_nobody_there(self):
        self.path += ".other"
        done = self.run_example("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
