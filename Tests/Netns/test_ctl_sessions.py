"""fastpathctl's transactions, events and progress against the fake data plane, without privileges or interfaces."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_ctl_offline import ALL, FULL, HNP1, PROGRAM, VISITOR, ControlTest, fake_dataplane, fp, ndjson  # noqa: E402

import fake_session  # noqa: E402


def bindings(count, remote="2001:db8:a::1"):
    """So many, one to a line."""
    return "".join(f'{{"table":"pmip","prefix":"2001:db8:{i >> 16:x}:{i & 0xffff:x}::/64","tunnel":'
                   f'{{"local":"2001:db8:1::1","remote":"{remote}"}}}}\n' for i in range(count))


class Replace(ControlTest):
    """`load --replace`."""

    def setUp(self):
        super().setUp()
        self.ctl("set", *map(json.dumps, ALL))
        self.before = {table: dict(records) for table, records in self.plane.tables.items()}
        self.path = str(self.directory / "records.ndjson")

    def write(self, text):
        """The file that is loaded."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def assert_untouched(self):
        """The tables are as they were, and no transaction is left open."""
        self.assertEqual(self.plane.tables, self.before)
        for _ in range(100):
            if self.plane.transactions == 0:
                return
            time.sleep(0.01)
        self.fail("a transaction is still open")

    def test_the_file_is_the_whole_content_in_one_generation(self):
        self.write(bindings(17_000))
        generation = self.plane.generation
        done = self.ctl("load", "--replace", self.path, "--json")
        self.assertEqual(json.loads(done.stdout), {
            "records": 17_000, "applied": 17_000, "unchanged": 0, "removed": len(ALL), "generation": generation + 1})
        self.assertEqual({table: len(found) for table, found in self.plane.tables.items() if found},
                         {fp.BINDINGS: 17_000})
        done = self.ctl("load", self.path, "--replace")
        self.assertEqual(done.stdout, f"applied 0, unchanged 17000, removed 0, generation {generation + 1}\n")

    def test_every_kind_of_record_goes_with_its_table(self):
        self.write(ndjson([HNP1, FULL, VISITOR]))
        self.assertIn("removed 6", self.ctl("load", self.path, "--replace").stdout)
        lines = self.ctl("dump").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], [VISITOR, HNP1, FULL])

    def test_an_empty_file_empties_the_tables(self):
        self.write("\n  \n")
        self.assertEqual(self.ctl("load", self.path, "--replace").stdout,
                         f"applied 0, unchanged 0, removed {len(ALL)}, generation 2\n")
        self.assertFalse(any(self.plane.tables.values()))

    def test_a_bad_line_sends_nothing(self):
        self.write(bindings(17_000) + '{"table":"pmip"}\n')
        requests = len(self.plane.seen)
        self.refused("line 17001: prefix: is missing", "load", self.path, "--replace")
        self.assertEqual(len(self.plane.seen), requests)

    def test_a_record_that_the_daemon_refuses_leaves_the_old_content(self):
        self.plane.refuse = lambda record: ("prefix", "is in no pool") if record.prefix == "2001:db8:0:42ff::/64" else None
        # Lines that are not records count as lines.
        self.write("\n\n" + bindings(17_200))
        self.refused("line 17154: prefix: is in no pool", "load", self.path, "--replace")
        self.assert_untouched()

    def test_a_commit_that_is_refused_names_the_line_and_leaves_the_old_content(self):
        def full(tables, records, owner):
            raise fake_session.Refusal(fp.FULL, "prefix", "no room is left", 16_385)
        self.plane.replace = full
        self.write("\n" + bindings(16_400))
        self.refused("line 16387: prefix: table full: no room is left", "load", self.path, "--replace")
        self.assert_untouched()

    def test_a_lost_connection_leaves_the_old_content(self):
        def lose(record):
            self.plane.disconnect_all()
        self.plane.refuse = lose
        self.write(bindings(100))
        done = self.ctl("load", self.path, "--replace", status=2)
        self.assertEqual(done.stderr, "the daemon closed the connection\n")
        self.assert_untouched()

    def test_a_daemon_without_transactions_says_so(self):
        self.write(bindings(10))
        for minor in (0, 1):
            kinds = range(1, 8) if minor == 0 else range(1, 10)
            old = fake_session.Session._check

            def check(session, payload):
                if session._header.kind not in kinds:
                    raise fake_session.Refusal(fp.UNSUPPORTED, "frame", "not served by this version")
                old(session, payload)

            with unittest.mock.patch.object(fake_session.fp, "MINOR", minor), unittest.mock.patch.object(
                    fake_session.Session, "_check", check):
                done = self.ctl("load", self.path, "--replace", status=1)
                self.assertTrue(done.stderr.startswith("the daemon does not serve --replace, and its tables are as they"))
                done = self.ctl("watch", status=1)
                self.assertEqual(done.stderr, "the daemon does not serve watch: use a newer fastpathd\n")
        self.assert_untouched()


class Watch(ControlTest):
    """`watch`."""

    def start(self):
        """The program, once it has subscribed."""
        program = subprocess.Popen([PROGRAM, "watch", "--socket", self.socket], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        for _ in range(500):
            if (fp.SUBSCRIBE, 0, 0, 0) in self.plane.seen:
                return program
            time.sleep(0.01)
        self.fail("it does not subscribe")

    def test_one_object_a_line_until_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.plane.seen.clear()
            program = self.start()
            before = time.time()
            self.plane.emit("path-mtu", local="2001:db8:1::1", remote="2001:db8:a::1", mtu=1400)
            self.plane.emit("unbound", prefix="2001:db8:100:1::/64", address="2001:db8:100:1::5", port="1")
            with fp.Client(self.socket, owner=7) as client:
                client.upsert([fp.Binding("2001:db8:100:1::/64", "2001:db8:1::1", "2001:db8:a::1", lifetime=60, mn="17")])
            events = [json.loads(program.stdout.readline()) for _ in range(3)]
            times = [event.pop("at") for event in events]
            self.assertEqual(events, [
                {"event": "path-mtu", "local": "2001:db8:1::1", "remote": "2001:db8:a::1", "mtu": 1400},
                {"event": "unbound", "prefix": "2001:db8:100:1::/64", "address": "2001:db8:100:1::5", "port": "1"},
                {"event": "changed", "operation": "set", "owner": 7, "table": "pmip", "prefix": "2001:db8:100:1::/64",
                 "tunnel.local": "2001:db8:1::1", "tunnel.remote": "2001:db8:a::1", "state": "active", "lifetime": 60,
                 "mn": "17"}])
            self.assertEqual(times, sorted(times))
            self.assertTrue(before - 1 < times[0] <= times[2] < time.time() + 1, times)
            program.send_signal(number)
            self.assertEqual(program.wait(timeout=5), 0)
            self.assertEqual(program.stderr.read(), "")
            self.ctl("delete", json.dumps({"table": "pmip", "prefix": "2001:db8:100:1::/64"}))

    def test_what_other_commands_set_is_told(self):
        program = self.start()
        self.ctl("set", json.dumps(HNP1))
        # What comes in any case.
        self.plane.emit("peer", remote="2001:db8:a::1", state="failed")
        event = json.loads(program.stdout.readline())
        self.assertEqual((event["event"], event.get("operation"), event.get("owner"), event.get("prefix")),
                         ("changed", "set", 0, HNP1["prefix"]))

    def test_lost_events_are_said(self):
        program = self.start()
        program.send_signal(signal.SIGSTOP)
        for number in range(20_000):
            self.plane.emit("peer", remote=f"2001:db8::{number:x}", state="failed", padding="x" * 200)
        program.send_signal(signal.SIGCONT)
        words = []
        reader = threading.Thread(target=lambda: words.append(program.stderr.readline()))
        reader.start()
        found = None
        for line in program.stdout:
            event = json.loads(line)
            if event["event"] == "overflow":
                found = event
                break
        reader.join(timeout=10)
        self.assertIsInstance(found["lost"], int)
        self.assertGreater(found["first-lost"], 1024)
        self.assertEqual(words, ["events were lost: dump the tables again to know what they hold\n"])

    def test_a_daemon_that_goes_ends_it(self):
        program = self.start()
        self.plane.disconnect_all()
        self.assertEqual(program.wait(timeout=5), 2)
        self.assertEqual(program.stderr.read(), "the daemon closed the connection\n")


class Progress(ControlTest):
    """What a long load shows."""

    def load(self, **streams):
        """Loads ten records for longer than half a second."""
        self.plane.refuse = lambda record: time.sleep(0.07)
        path = self.directory / "slow.ndjson"
        path.write_text(bindings(10))
        return subprocess.run([PROGRAM, "--socket", self.socket, "load", str(path)], stdout=subprocess.PIPE, text=True,
                              timeout=60, check=True, **streams)

    def test_a_terminal_sees_records_rate_and_time_left(self):
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            done = self.load(stderr=theirs)
            os.close(theirs)
            shown = b""
            try:
                while octets := terminal.read(4096):
                    shown += octets
            except OSError:
                pass
        self.assertIn("applied 10", done.stdout)
        text = shown.decode()
        self.assertRegex(text, re.compile(r"\rapplied \d+ of 10 records, \d+/s, \d+ s left"))
        self.assertTrue(text.endswith("\r\x1b[K"), text[-40:])

    def test_a_pipe_sees_nothing(self):
        self.assertEqual(self.load(stderr=subprocess.PIPE).stderr, "")


if __name__ == "__main__":
    unittest.main()
