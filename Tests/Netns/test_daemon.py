"""The daemon's own life: what it reports, what it refuses to start on, signals, neighbours, and the way into the kernel."""

import json
import os
import signal
import subprocess
import time
import unittest
import urllib.request

from testbed import Bed, Domain, configuration
from testbed.addresses import CN, MN1, TRANSPORT1
from testbed.bed import wait_until
from testbed.daemon import PRODUCTS


class Environment(unittest.TestCase):
    """Surroundings in which the daemon must not start: exit status 2, one sentence with the remedy, nothing touched."""

    def setUp(self):
        self.bed = Bed()
        self.addCleanup(self.bed.close)
        self.lma, self.other = self.bed.namespace("lma"), self.bed.namespace("other")
        self.bed.link(self.lma, "core", self.other, "core")
        self.bed.link(self.lma, "transport1", self.other, "transport1", mtu=1600)

    def refusal(self, **changes):
        """Runs the daemon to its end. Returns its standard error; it must have ended with 2 and no XDP program."""
        path = self.bed.path("lma.yaml")
        ports = [configuration.port("core", "core"), configuration.port("transport1", "transport")]
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration.lma(ports=ports).with_(**changes).text(self.bed.path("lma.sock")))
        done = subprocess.run(
            self.lma.command([os.path.join(PRODUCTS, "fastpathd"), "--config", path]),
            capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(self.interfaces_with_program(), [])
        self.assertFalse(os.path.exists(self.bed.path("lma.sock")))
        return done.stderr

    def interfaces_with_program(self):
        links = json.loads(self.lma.run(["ip", "-json", "link", "show"]).stdout)
        return [link["ifname"] for link in links if "xdp" in link or link["ifname"].startswith("fpk")]

    def test_interface_that_is_down(self):
        self.lma.ip("link set transport1 down")
        self.assertRegex(self.refusal(), "transport1 is down; run `ip link set transport1 up`")

    def test_interface_that_is_not_ethernet(self):
        ports = [configuration.port("core", "core"), configuration.port("transport1", "transport", interface="lo")]
        # Loopback has an Ethernet-like header, but AF_XDP and native XDP are not for it: whatever says so names it.
        self.assertIn("lo", self.refusal(ports=ports))

    def test_ports_with_different_numbers_of_queues(self):
        self.lma.run(["ip", "link", "add", "wide", "numrxqueues", 2, "numtxqueues", 2, "type", "veth",
                      "peer", "name", "wide-peer", "numrxqueues", 2, "numtxqueues", 2])
        self.lma.ip("link set wide up", "link set wide-peer up")
        self.lma.run(["ethtool", "-L", "wide", "rx", 2, "tx", 2], check=False)
        ports = [configuration.port("core", "core"), configuration.port("wide", "transport")]
        self.assertRegex(self.refusal(ports=ports), "wide has 2 receive queues and core has 1.*ethtool -L wide")

    def test_mtu_that_does_not_fit_a_frame(self):
        self.lma.ip("link set transport1 mtu 9000")
        self.assertRegex(self.refusal(), r"transport1.*9000")

    def test_socket_path_that_another_daemon_serves(self):
        first = Domain()
        self.addCleanup(first.close)
        daemon = first.lma_daemon().start()
        self.assertRegex(self.refusal(control={"socket": daemon.socket_path}), "another daemon serves it")
        self.assertEqual(daemon.control.status()["role"], "lma")


class Life(unittest.TestCase):
    """A running LMA and MAG of the reference domain."""

    def setUp(self):
        self.domain = Domain()
        self.addCleanup(self.domain.close)
        self.lma, self.mag = self.domain.lma_daemon(), self.domain.mag_daemon(1)
        self.lma.start().control.set(*self.domain.lma_records())
        self.mag.start().control.set(*self.domain.mag_records(1))

    def test_status_names_every_port_and_queue(self):
        text = json.dumps(self.lma.control.status())
        for word in ("core", "transport1", "transport2", "veth", "native", "copy", "following", "fpk0"):
            self.assertIn(word, text)

    def test_status_tells_how_the_table_is(self):
        status = self.lma.control.status()
        bindings = len(self.domain.lma_records())
        self.assertEqual(status["table.proxy.entries"], bindings)
        self.assertEqual(status["table.proxy.load"], round(bindings / status["table.proxy.slots"], 3))
        self.assertEqual((status["table.proxy.growing"], status["table.mobile.entries"]), ("no", 0))
        self.assertEqual((status["audit.result"], status["audit.findings"]), ("ok", 0))
        self.assertEqual((status["retired.stuck-workers"], status["retired.waiting"]), ("none", 0))
        parts = [value for key, value in status.items() if key.startswith("memory.") and key != "memory.total"]
        self.assertEqual(sum(parts), status["memory.total"])

    def test_the_cpu_of_a_worker_is_left_to_it(self):
        every = os.sched_getaffinity(0)
        # The ports have one queue, so one worker, whatever the list.
        for workers in ([max(every)], sorted(every, reverse=True), "auto"):
            with self.subTest(workers=workers):
                self.lma.stop()
                self.lma = self.domain.lma_daemon(workers=workers).start()
                where = {}
                for thread in os.listdir(f"/proc/{self.lma.process.pid}/task"):
                    with open(f"/proc/{self.lma.process.pid}/task/{thread}/comm", encoding="ascii") as file:
                        kind = "worker" if file.read().startswith("fp-worker") else "other"
                    where.setdefault(kind, set()).update(os.sched_getaffinity(int(thread)))
                self.assertEqual(len(where["worker"]), 1)
                # Where there is one CPU only, all share it.
                self.assertEqual(where["other"], every - where["worker"] or every)
                if workers != "auto":
                    self.assertEqual(where["worker"], {workers[0]})

    def test_metrics_show_the_counters_as_prometheus_text(self):
        self.lma.stop()
        self.lma = self.domain.lma_daemon(metrics={"listen": "127.0.0.1:9101"}).start()
        with self.domain.lma.entered():
            with urllib.request.urlopen("http://127.0.0.1:9101/metrics", timeout=5) as answer:
                self.assertIn("text/plain", answer.headers["Content-Type"])
                text = answer.read().decode()
        # Prometheus text format: comment lines, and samples of name, labels, number.
        samples = [line for line in text.splitlines() if line and not line.startswith("#")]
        self.assertTrue(samples)
        for line in samples:
            self.assertRegex(line, r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [0-9.e+]+$")
        self.assertTrue(any("no-binding" in line for line in samples), "no drop reasons among the metrics")
        for gauge in ("fastpath_stuck_workers 0", "fastpath_table_audit_findings 0", "fastpath_table_bindings 0"):
            self.assertIn(gauge, samples)

    def test_hangup_reads_the_configuration_again_and_keeps_forwarding(self):
        with open(self.lma.config_path, encoding="utf-8") as file:
            good = file.read()
        for text, words in (
            (good, "unchanged"),
            (good + "local-routing: true\n", "local-routing"),
            (good + "colour: blue\n", "colour"),
        ):
            with self.subTest(words=words):
                with open(self.lma.config_path, "w", encoding="utf-8") as file:
                    file.write(text)
                size = os.path.getsize(self.lma.log_path)
                self.lma.process.send_signal(signal.SIGHUP)
                wait_until(lambda: words in self.log_since(size), timeout=5, what=f"{words!r} in the log")
                self.assertEqual(self.domain.cn.ping(MN1), 3)

    def log_since(self, size):
        with open(self.lma.log_path, encoding="utf-8") as file:
            file.seek(size)
            return file.read()

    def test_a_signal_to_stop_under_traffic_ends_within_two_seconds_with_every_frame_accounted_for(self):
        self.domain.start(
            ["ping", "-q", "-f", "-c", "1000000", CN], namespace=self.domain.mn1, stdout=subprocess.DEVNULL
        )
        time.sleep(0.5)
        for number in (signal.SIGTERM, signal.SIGINT):
            started = time.monotonic()
            self.lma.process.send_signal(number)
            self.assertEqual(self.lma.process.wait(timeout=4), 0, self.lma.log())
            self.assertLess(time.monotonic() - started, 2)
            self.assertIn("frame audit", self.lma.log())
            self.lma.start().control.set(*self.domain.lma_records())

    def test_a_neighbour_that_changes_its_address_is_followed(self):
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.domain.mag1.ip("link set transport address 02:00:00:00:aa:01")
        # What a replaced router does: the kernel learns the new address from the announcement, and tells.
        self.domain.lma.ip(f"neigh replace {TRANSPORT1}::2 lladdr 02:00:00:00:aa:01 dev transport1 nud reachable")
        self.mag.stop()
        self.mag.start().control.set(*self.domain.mag_records(1))
        wait_until(lambda: self.domain.cn.ping(MN1, count=1, wait=0.2) == 1, timeout=5, what="ping over the new address")
        self.assertEqual(self.domain.mn1.ping(CN), 3)

    def test_a_link_that_goes_down_and_comes_back_forwards_again(self):
        self.assertEqual(self.domain.cn.ping(MN1), 3)
        self.domain.mag1.ip("link set transport down")
        self.assertEqual(self.domain.cn.ping(MN1, count=1, wait=0.2), 0)
        # A link that goes down takes its IPv6 addresses and routes with it; whoever brings it up sets them again.
        self.domain.mag1.ip(
            "link set transport up", f"addr add {TRANSPORT1}::2/64 dev transport nodad",
            f"route replace default via {TRANSPORT1}::1",
        )
        wait_until(lambda: self.domain.cn.ping(MN1, count=1, wait=0.2) == 1, timeout=10, what="ping after the link is back")
        self.assertEqual(self.domain.mn1.ping(CN), 3)


if __name__ == "__main__":
    unittest.main()
