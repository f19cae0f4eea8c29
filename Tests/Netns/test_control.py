"""The control plane of a running daemon, by the Python client: events, statistics, a passed socket, the snapshot."""

import os
import select
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from testbed import Domain
from testbed.addresses import CN, LMAA, MAG1, MN1
from testbed.bed import wait_until
from testbed.control import ndjson
from testbed.daemon import PRODUCTS
from testbed.frames import RawPort

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python"))

from fastpath_client import HELLO, Binding, Client, Tunnel, pack_frame, pack_hello  # noqa: E402

UNBOUND = "2001:db8:100:77::5"


class Events(unittest.TestCase):
    """What a subscriber hears of real packets, links and neighbours."""

    def setUp(self):
        self.domain = Domain()
        self.addCleanup(self.domain.close)
        self.lma, self.mag = self.domain.lma_daemon(), self.domain.mag_daemon(1)

    def subscriber(self, daemon, *kinds):
        client = Client(daemon.socket_path, owner=7)
        self.addCleanup(client.close)
        client.subscribe(*kinds)
        return client

    def event(self, client, name, timeout=10):
        """The next event of this name; others may come before it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            event = client.next_event(timeout=max(0.0, end - time.monotonic()))
            if event is not None and event.name == name:
                return dict(event.items)
        self.fail(f"no event {name} within {timeout} s")

    def test_traffic_to_an_unbound_prefix_is_told_once_a_second(self):
        self.lma.start()
        client = self.subscriber(self.lma, "unbound")
        # Eight packets within a second are one event; another prefix is another.
        self.domain.cn.ping(UNBOUND, count=8, wait=0.1)
        self.domain.cn.ping("2001:db8:100:78::5", count=1, wait=0.1)
        event = self.event(client, "unbound")
        self.assertEqual((event["prefix"], event["address"], event["port"]), ("2001:db8:100:77::/64", UNBOUND, "core"))
        self.assertEqual(self.event(client, "unbound")["prefix"], "2001:db8:100:78::/64")

    def test_a_station_with_a_foreign_source_is_told_with_its_mac(self):
        self.mag.start().control.set(*self.domain.mag_records(1))
        client = self.subscriber(self.mag, "unknown-source")
        self.domain.mn1.ip("addr add 2001:db8:100:77::1/128 dev lo")
        self.domain.mn1.ping(CN, source="2001:db8:100:77::1", wait=0.3)
        event = self.event(client, "unknown-source")
        self.assertEqual(
            (event["address"], event["mac"], event["port"]), ("2001:db8:100:77::1", "02:00:00:00:01:10", "access"))

    def test_what_a_mobile_node_sends_after_it_has_left_goes_nowhere_and_is_told(self):
        # S-33, where the kernel would route it as it does visitors' packets.
        self.domain.mag1.sysctl({"net.ipv6.conf.all.forwarding": 1})
        records = self.domain.mag_records(1)
        control = self.mag.start().control
        control.set(*records)
        control.delete(*({"table": record["table"], "prefix": record["prefix"]} for record in records))
        client = self.subscriber(self.mag, "unknown-source")
        with RawPort(self.domain.lma, "transport1") as port:
            self.domain.mn1.ping(CN, source=MN1, wait=0.3)
            sent = port.receive(timeout=0.3, accept=lambda frame: IPv6 in Ether(frame) and Ether(frame)[IPv6].src == MN1)
        self.assertEqual(sent, [])
        event = self.event(client, "unknown-source")
        self.assertEqual((event["address"], event["mac"], event["port"]), (MN1, "02:00:00:00:01:10", "access"))
        self.assertEqual(control.counters()["drop.source-not-bound"], 3)

    def test_links_and_neighbours_that_go_are_told(self):
        self.lma.start().control.set(*self.domain.lma_records())
        self.mag.start().control.set(*self.domain.mag_records(1))
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        client = self.subscriber(self.lma, "neighbor-lost", "port")
        self.domain.lma.ip("link set transport1 down")
        event = self.event(client, "port")
        self.assertEqual((event["port"], event["what"], event["value"]), ("transport1", "link", "down"))
        self.domain.lma.ip("link set transport1 up")
        self.assertEqual(self.event(client, "port")["value"], "up")

    def test_what_another_owner_sets_and_what_expires(self):
        self.lma.start()
        client = self.subscriber(self.lma, "changed", "expired")
        with Client(self.lma.socket_path, owner=9) as other:
            other.upsert([Binding("2001:db8:100:9::/64", LMAA, MAG1, lifetime=1)])
        event = self.event(client, "changed")
        self.assertEqual(
            (event["operation"], event["owner"], event["prefix"], event["tunnel.remote"]),
            ("set", "9", "2001:db8:100:9::/64", MAG1))
        self.assertEqual(self.event(client, "expired")["reason"], "lifetime")


class Statistics(unittest.TestCase):
    """Counters in shared memory."""

    def test_the_area_follows_the_counters_without_a_request(self):
        with Domain() as domain:
            lma = domain.lma_daemon().start()
            with Client(lma.socket_path) as client, client.stats() as area:
                before = area.read()[1]
                self.assertEqual(set(before), {name for name in client.counters(all=True) if not name.startswith("tunnel.")})
                domain.cn.ping(UNBOUND, wait=0.3)
                wait_until(lambda: area.read()[1]["rx.core"] > before["rx.core"], timeout=5, what="a fresh value")
                self.assertEqual(area.read()[1]["drop.no-binding"], before["drop.no-binding"] + 3)


class PassedSocket(unittest.TestCase):
    """A listening socket from the service manager (sd_listen_fds)."""

    def setUp(self):
        self.domain = Domain()
        self.addCleanup(self.domain.close)
        self.lma = self.domain.lma_daemon()

    def start(self, passed):
        """The daemon with a socket as descriptor 3; its process, and what it notifies."""
        with open(self.lma.config_path, "w", encoding="utf-8") as file:
            file.write(self.lma.configuration.text(self.lma.socket_path))
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.bind(self.domain.path("passed.notify"))
        daemon = os.path.join(PRODUCTS, "fastpathd")
        # The shell has the pid that the daemon will have.
        script = f"LISTEN_PID=$$ LISTEN_FDS=1 exec {daemon} --config {self.lma.config_path} 3<&{passed.fileno()}"
        process = self.domain.start(
            ["sh", "-c", script], namespace=self.domain.lma, log=self.lma.log_path, pass_fds=[passed.fileno()],
            environment=dict(os.environ, NOTIFY_SOCKET=self.domain.path("passed.notify")))
        return process, notify

    def test_it_is_served_and_stays(self):
        path = self.domain.path("passed.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as passed:
            passed.bind(path)
            passed.listen(8)
            # A client that connects before the daemon is there waits for it.
            early = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(early.close)
            early.connect(path)
            process, notify = self.start(passed)
            self.assertTrue(select.select([notify], [], [], 15)[0], self.lma.log())
            with Client(path) as client:
                self.assertEqual(client.hello.access, "write")
            early.sendall(pack_frame(HELLO, 1, pack_hello(0, "early")))
            self.assertTrue(select.select([early], [], [], 5)[0], "the early client is not served")
            self.assertFalse(os.path.exists(self.lma.socket_path))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=5), 0)
        self.assertTrue(os.path.exists(path))

    def test_what_does_not_listen_is_refused(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as passed:
            passed.bind(self.domain.path("deaf.sock"))
            process, _ = self.start(passed)
            self.assertEqual(process.wait(timeout=10), 2, self.lma.log())
        self.assertIn("does not listen", self.lma.log())


class Snapshot(unittest.TestCase):
    """The tables over a crash."""

    def setUp(self):
        self.domain = Domain()
        self.addCleanup(self.domain.close)
        self.path = self.domain.path("lma.snapshot")
        self.lma, self.mag = self.domain.lma_daemon(), self.domain.mag_daemon(1)
        self.lma.configuration = self.lma.configuration.with_(
            control={"socket": self.lma.socket_path, "snapshot": self.path})
        self.lma.start().control.set(*self.domain.lma_records())
        self.mag.start().control.set(*self.domain.mag_records(1))

    def await_snapshot(self):
        wait_until(lambda: os.path.exists(self.path), timeout=15, what="a snapshot")

    def test_a_killed_daemon_forwards_again_before_anybody_connects(self):
        before = self.lma.control.dump()
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.await_snapshot()
        self.lma.kill()
        self.assertEqual(self.domain.cn.ping(MN1, wait=0.3), 0)
        self.lma.start()
        # Nobody has spoken to it yet.
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.assertEqual(self.domain.mn1.ping(CN), 3)
        with Client(self.lma.socket_path) as client:
            self.assertTrue(client.hello.stale)
        self.assertEqual(
            sorted(ndjson([entry]) for entry in self.lma.control.dump()), sorted(ndjson([e]) for e in before))

    def test_a_stopped_daemon_comes_back_with_what_was_set_a_moment_before(self):
        before = self.lma.control.dump()
        begun = time.monotonic()
        self.assertEqual(self.lma.stop(), 0)
        self.assertLess(time.monotonic() - begun, 2)
        self.lma.start()
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.assertEqual(
            sorted(ndjson([entry]) for entry in self.lma.control.dump()), sorted(ndjson([e]) for e in before))

    def test_a_damaged_one_is_set_aside_with_its_reason(self):
        self.await_snapshot()
        self.lma.kill()
        with open(self.path, "r+b") as file:
            file.truncate(os.path.getsize(self.path) - 9)
        self.lma.start()
        self.assertEqual(self.domain.cn.ping(MN1, wait=0.3), 0)
        self.assertIn("the snapshot is refused", self.lma.log())
        self.assertTrue(os.path.exists(self.path + ".damaged-1"))
        with Client(self.lma.socket_path) as client:
            self.assertFalse(client.hello.stale)
            self.assertEqual(list(client.dump()), [])
            client.upsert([Tunnel(LMAA, MAG1, static=True)])


if __name__ == "__main__":
    unittest.main()
