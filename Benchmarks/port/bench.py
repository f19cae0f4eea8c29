"""The bed of the `port` suite: two veth pairs, a generator before the device under test, a counter behind it."""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILT = os.path.join(ROOT, "Benchmarks", ".build")
sys.path[:0] = [os.path.join(ROOT, "Tests", "Netns")]

from testbed import Bed, Daemon, configuration  # noqa: E402
from testbed.command import run  # noqa: E402

POOL = "2001:db8:100::/40"
MACS = {
    "cn": "02:00:00:00:0c:01",
    "core": "02:00:00:00:0c:02",
    "transport1": "02:00:00:00:0e:01",
    "mag": "02:00:00:00:0e:02",
}


def build():
    """Compiles the C programs and the XDP objects when a source is newer."""
    os.makedirs(BUILT, exist_ok=True)
    compiler = os.path.join(os.path.dirname(os.path.realpath(run(["which", "swift"]).stdout.strip())), "clang")
    triple = run(["cc", "-print-multiarch"]).stdout.strip()
    for name in ("generate", "count", "redirect"):
        made(
            f"{name}.bpf.o",
            f"{name}.bpf.c",
            [compiler, "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", f"-I/usr/include/{triple}", "-c"],
            [],
        )
    for name in ("generate", "count", "l2fwd"):
        made(name, f"{name}.c", ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-march=native"], ["-lxdp", "-lbpf"])


def made(target, source, command, libraries):
    """One compilation."""
    target, source = os.path.join(BUILT, target), os.path.join(HERE, source)
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        run([*command, "-o", target, source, *libraries])


class Bench(Bed):
    """The two veth pairs, the counter (unless something else counts), and one device under test."""

    def __init__(self, *, counts=True):
        super().__init__()
        try:
            self.cn, self.dut, self.mag = (self.namespace(role) for role in ("cn", "lma", "mag1"))
            self.link(self.cn, "core", self.dut, "core", mac_a=MACS["cn"], mac_b=MACS["core"])
            self.link(
                self.dut, "transport1", self.mag, "transport", mtu=1600, mac_a=MACS["transport1"], mac_b=MACS["mag"]
            )
            self.counter = None
            if counts:
                self.counter = self.start(
                    [os.path.join(BUILT, "count"), os.path.join(BUILT, "count.bpf.o"), "transport"],
                    namespace=self.mag,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                self.expect_ready(self.counter)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def expect_ready(process):
        """Waits for the line "ready"."""
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a program of the benchmark did not start; its reason is above")

    def forward(self):
        """Puts the layer-2 forwarder in."""
        device = self.start(
            [
                os.path.join(BUILT, "l2fwd"),
                os.path.join(BUILT, "redirect.bpf.o"),
                "core",
                "transport1",
                MACS["cn"],
                MACS["mag"],
                1,
                0,
            ],
            namespace=self.dut,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.expect_ready(device)

    def anchor(self, records_path):
        """Puts the LMA in and loads the bindings. Returns how long the load took, in seconds."""
        daemon = self.start_anchor()
        started = time.monotonic()
        daemon.control.load(records_path)
        return time.monotonic() - started

    def start_anchor(self):
        """Puts the LMA in, without bindings."""
        gateway = "2001:db8:e1::2"
        settings = configuration.lma(
            pools=[POOL],
            local_addresses=["2001:db8:1::1"],
            workers=[1],
            kernel_sync=False,
            ports=[configuration.port("core", "core"), configuration.port("transport1", "transport")],
            routes=[{"prefix": "2001:db8:a::/48", "via": gateway, "port": "transport1"}],
            neighbors=[{"address": gateway, "port": "transport1", "mac": MACS["mag"]}],
        )
        return Daemon(self, self.dut, "lma", settings).start()

    def generate(self, *, destinations, seconds, size, rate=0):
        """Starts the generator: as fast as it can, or at a rate in frames a second."""
        return self.start(
            [
                "taskset",
                "-c",
                0,
                os.path.join(BUILT, "generate"),
                os.path.join(BUILT, "generate.bpf.o"),
                "core",
                MACS["cn"],
                MACS["core"],
                destinations,
                seconds,
                size,
                *([rate] if rate else []),
            ],
            namespace=self.cn,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rate(self, *, destinations, seconds, size):
        """Offers frames. Returns Mpps that arrived behind the device, their tunnelled share, Mpps offered."""
        generator = self.generate(destinations=destinations, seconds=seconds + 2, size=size)
        time.sleep(1)
        first = self.totals()
        time.sleep(seconds)
        last = self.totals()
        offered = json.loads(generator.communicate(timeout=60)[0])
        packets = last[1] - first[1]
        if packets == 0:
            raise RuntimeError("nothing arrived behind the device under test")
        return (
            packets / (last[0] - first[0]) * 1e3,
            (last[3] - first[3]) / packets,
            offered["frames"] / offered["seconds"] / 1e6,
        )

    def totals(self):
        """The counter's running totals: nanoseconds, packets, octets, tunnelled."""
        self.counter.stdin.write("\n")
        self.counter.stdin.flush()
        return [int(word) for word in self.counter.stdout.readline().split()]


def busy():
    """The share of the machine's CPUs that others use right now: figures of a busy machine are compared, not quoted."""

    def read():
        with open("/proc/stat", encoding="ascii") as file:
            numbers = [int(word) for word in file.readline().split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]

    total, idle = read()
    time.sleep(0.5)
    total_later, idle_later = read()
    return 1 - (idle_later - idle) / max(1, total_later - total)
