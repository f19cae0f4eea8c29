"""The table protocol against a running daemon: what clients/python asks of every data plane, and what takes a real one."""

import os
import resource
import socket
import sys
import threading
import time
import unittest

from testbed import Bed, Daemon, configuration
from testbed.bed import ROOT, wait_until
from testbed.control import Refused, ndjson
from testbed.records import lma_binding

sys.path.append(os.path.join(ROOT, "clients", "python"))

import fastpath_client as fp  # noqa: E402
import plane_cases  # noqa: E402
import plane_event_cases  # noqa: E402
import plane_form_cases  # noqa: E402
import plane_session_cases  # noqa: E402
from fastpath_client.protocol import HEADER, PING  # noqa: E402
from plane_cases import LMAA, MAG1, MAG2, binding  # noqa: E402


class Live:
    """One daemon for a class of tests; each test begins with empty tables."""

    @classmethod
    def setUpClass(cls):
        cls.bed = Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.lma = lma = cls.bed.namespace("lma")
        other = cls.bed.namespace("other")
        cls.bed.link(lma, "core", other, "core")
        cls.bed.link(lma, "transport1", other, "transport1", mtu=1600)
        ports = [configuration.port("core", "core"), configuration.port("transport1", "transport")]
        # As plane_cases.py wants it.
        cls.daemon = Daemon(cls.bed, lma, "lma", configuration.lma(ports=ports, pools=["2001:db8:100::/40"])).start()
        cls.path = cls.daemon.socket_path

    def setUp(self):
        with fp.Client(self.path, owner=99, name="empties", timeout=20) as client, client.replace():
            pass


class Requests(Live, plane_cases.Requests):
    pass


class Records(Live, plane_cases.Records):
    pass


class Forms(Live, plane_form_cases.Forms):
    pass


class Transactions(Live, plane_session_cases.Transactions):
    pass


class Synchronisations(Live, plane_session_cases.Synchronisations):
    def test_expired_entries_do_not_count(self):
        client = self.client()
        client.upsert([binding(1), binding(2, lifetime=1)])
        sync = client.sync("bindings")
        sync.upsert([binding(1), binding(2, lifetime=1)])
        wait_until(lambda: len(self.bindings(client)) == 1, timeout=5, what="the end of a lifetime")
        self.refused(fp.CONFLICT, sync.end, 2)
        self.assertEqual(sync.end(1).removed, 0)


class Events(Live, plane_event_cases.Events):
    def test_end_of_a_life(self):
        client = self.client()
        subscription = client.subscribe("expired", timeout=5)
        client.upsert([binding(1, lifetime=1, mn="mn1@example")])
        event = next(subscription)
        self.assertEqual(dict(event.items), {
            "event": "expired", "table": "pmip", "prefix": binding(1).prefix, "mn": "mn1@example",
            "reason": "lifetime"})

    def test_mtu_of_the_egress_port(self):
        client = self.client()
        self.lma.ip("addr add 2001:db8:1::1/64 dev transport1 nodad", "route add 2001:db8:a::/48 via 2001:db8:1::2")
        self.addCleanup(
            self.lma.ip, "link set transport1 mtu 1600", "route del 2001:db8:a::/48", "addr del 2001:db8:1::1/64 dev transport1")
        client.upsert([binding(1), fp.Tunnel(LMAA, MAG2, mtu=1200)])
        self.settled(client)
        subscription = client.subscribe("path-mtu", timeout=5)
        for mtu in (1400, 1600):
            self.lma.ip(f"link set transport1 mtu {mtu}")
            event = next(subscription)
            self.assertEqual(dict(event.items), {
                "event": "path-mtu", "local": LMAA, "remote": MAG1, "mtu": str(mtu - 40)})
        self.assertIsNone(client.next_event(0.2))


class Counters(Live, plane_event_cases.Counters):
    pass


class Loads(Live, unittest.TestCase):
    """`fastpathctl load` of what a daemon has to judge."""

    def setUp(self):
        super().setUp()
        self.file = self.bed.path("records.ndjson")
        self.client = fp.Client(self.path, owner=7, name="looks", timeout=20)
        self.addCleanup(self.client.close)

    def load(self, records, *, replace=False):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(ndjson(records))
        self.daemon.control.load(self.file, replace=replace)

    def assert_refused(self, reason, records, *, replace=False):
        """Its only reason is this one, and the tables are as they were."""
        before = self.client.refresh()
        with self.assertRaises(Refused) as caught:
            self.load(records, replace=replace)
        self.assertEqual(str(caught.exception), reason)
        after = self.client.refresh()
        self.assertEqual((after.tables, after.generation), (before.tables, before.generation))

    def test_nothing_of_a_file_with_an_invalid_record_is_applied(self):
        good = [lma_binding(binding(number).prefix, MAG1, local=LMAA) for number in range(17_000)]
        outside = lma_binding("2001:db8:999::/64", MAG1, local=LMAA)
        words = "prefix: 2001:db8:999::/64 lies in none of the configured pools"
        for replace in (False, True):
            self.assert_refused(f"line 17001: {words}", good + [outside], replace=replace)
        keyed = {**good[0], "greKey": {"up": 1}}
        words = "greKey: unsupported: a GRE key is not supported by this version"
        for replace in (False, True):
            self.assert_refused(f"line 17001: {words}", good + [keyed], replace=replace)
        self.load(good)
        self.assertEqual(self.client.refresh().tables[fp.BINDINGS].entries, 17_000)

    def test_a_dump_that_replaces_the_tables_changes_nothing(self):
        ends = {"local": LMAA, "remote": MAG1}
        self.load([lma_binding(binding(1).prefix, MAG1, local=LMAA), lma_binding(binding(2).prefix, MAG2, local=LMAA),
                   {"tunnel": ends, "hopLimit": 9}, {"peer": MAG2, "state": "failed"}])
        before, dump = self.client.refresh().tables, self.daemon.control.dump()
        self.load(dump, replace=True)
        self.assertEqual((self.client.refresh().tables, self.daemon.control.dump()), (before, dump))


class Crowd(Live, unittest.TestCase):
    """A daemon's process alone says what connections cost: in a test program others take memory meanwhile."""

    CONNECTIONS = 1000

    def setUp(self):
        super().setUp()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)

    def resident_octets(self):
        with open(f"/proc/{self.daemon.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def test_a_thousand_connections_take_16_mb_at_most(self):
        before = self.resident_octets()
        clients = []
        for _ in range(self.CONNECTIONS):
            clients.append(fp.Client(self.path, name="crowd", timeout=20))
            self.addCleanup(clients[-1].close)
        for client in clients:
            self.assertEqual(client.ping(b"here"), b"here")
        self.assertLess(self.resident_octets() - before, 16 << 20)
        # The next one is told so; CONTROL_PROTOCOL.md, "unavailable".
        for _ in range(20):
            with self.assertRaises(fp.Refused):
                fp.Client(self.path, name="one more", timeout=20)
        self.assertLess(self.resident_octets() - before, 16 << 20)

    def test_connections_that_come_and_go_leave_no_memory_behind(self):
        def come_and_go(times):
            for _ in range(times):
                with fp.Client(self.path, name="crowd", timeout=20) as client:
                    client.subscribe("changed")

        come_and_go(500)
        before = self.resident_octets()
        come_and_go(5000)
        # Usually nothing, or a page. An object of 64 octets left behind by each would be 320 kB, the handler itself is 816.
        self.assertLess(self.resident_octets() - before, 256 << 10)

    def test_a_client_that_never_stops_asking_is_in_nobodys_way(self):
        asking = Flood(self.path)
        self.addCleanup(asking.end)
        with fp.Client(self.path, name="other", timeout=20) as other:
            wait_until(lambda: asking.answered > 0, timeout=5, what="replies to the one that asks")
            before, longest = asking.answered, 0.0
            for index in range(200):
                started = time.monotonic()
                self.assertEqual(other.upsert([binding(1 + index)]).applied, 1)
                longest = max(longest, time.monotonic() - started)
        # Two threads of this process and the daemon share what CPUs there are; each update waits for what was read before.
        self.assertLess(longest, 1.0)
        self.assertGreater(asking.answered, before)


class Flood:
    """A connection with as many PINGs under way as the daemon lets it."""

    FRAMES = b"".join(HEADER.pack(0, PING, 0, number, 0, 0, 0, 0) for number in range(2048))

    def __init__(self, path):
        #: octets of replies
        self.answered = 0
        with fp.Client(path, name="flood", timeout=20) as client:
            self._socket = socket.socket(fileno=os.dup(client.fileno()))
        self._socket.setblocking(True)
        self._threads = [threading.Thread(target=self._until_closed, args=(action,)) for action in (self._ask, self._read)]
        for thread in self._threads:
            thread.start()

    def _until_closed(self, action):
        try:
            while action():
                pass
        except OSError:
            pass

    def _ask(self):
        self._socket.sendall(self.FRAMES)
        return True

    def _read(self):
        octets = len(self._socket.recv(1 << 16))
        self.answered += octets
        return octets

    def end(self):
        """Ends the connection and both threads."""
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()


if __name__ == "__main__":
    unittest.main()
