"""The bed of the `port` suite: two veth pairs, and at both far ends a generator and a counter.

CN ─ core ─ device under test ─ transport1 ─ MAG1. `Bench` has one device under test (devices.py puts it in); several
stand side by side, and only the one that is asked has anything to do.
"""

import glob
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
ANCHOR = "2001:db8:1::1"
GATEWAY_NET = "2001:db8:a::"
MAGS = 64
MACS = {
    "cn": "02:00:00:00:0c:01",
    "core": "02:00:00:00:0c:02",
    "transport1": "02:00:00:00:0e:01",
    "mag": "02:00:00:00:0e:02",
}
#: CPUs of the generator, and of the thread of the device under test.
GENERATOR_CPU, DEVICE_CPU = 0, 1
#: Numbers of one generator's frames lie above those of all before it.
NUMBERS = 1 << 40
DOWN, UP = "downlink", "uplink"


def build():
    """Compiles the C programs and the XDP objects when a source is newer."""
    os.makedirs(BUILT, exist_ok=True)
    compiler = os.path.join(os.path.dirname(os.path.realpath(run(["which", "swift"]).stdout.strip())), "clang")
    triple = run(["cc", "-print-multiarch"]).stdout.strip()
    for name in ("generate", "count", "redirect", "encapsulate"):
        made(
            f"{name}.bpf.o",
            f"{name}.bpf.c",
            [compiler, "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", f"-I/usr/include/{triple}", "-c"],
            [],
        )
    for name in ("generate", "count", "l2fwd", "encapsulate"):
        made(name, f"{name}.c", ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-march=native"], ["-lxdp", "-lbpf"])


def made(target, source, command, libraries):
    """One compilation."""
    target, source = os.path.join(BUILT, target), os.path.join(HERE, source)
    newest = max(os.path.getmtime(path) for path in [source, *glob.glob(os.path.join(HERE, "*.h"))])
    if not os.path.exists(target) or os.path.getmtime(target) < newest:
        run([*command, "-o", target, source, *libraries])


def prefix_number(binding):
    """The upper half of binding i's prefix: the generator's program computes the same (frame.h)."""
    return 0x20010DB801000000 + ((binding * 0x9E3779B1) & 0xFFFFFF)


def prefix(binding):
    """The prefix of binding i."""
    number = prefix_number(binding) & 0xFFFFFF
    low = f"{number & 0xFFFF:x}::" if number & 0xFFFF else ":"
    return f"2001:db8:{0x100 | number >> 16:x}:{low}/64"


def gateway(binding):
    """The far end of binding i's tunnel."""
    return f"{GATEWAY_NET}{1 + binding % MAGS:x}"


class Bench(Bed):
    """The two veth pairs, the counters (unless something else counts), and room for one device under test."""

    def __init__(self, *, counts=True, queues=1):
        super().__init__()
        self.generators = 0
        self.counters = {}
        try:
            self.cn, self.dut, self.mag = (self.namespace(role) for role in ("cn", "lma", "mag1"))
            self.link(self.cn, "core", self.dut, "core", mac_a=MACS["cn"], mac_b=MACS["core"], queues=queues)
            self.link(
                self.dut,
                "transport1",
                self.mag,
                "transport",
                mtu=1600,
                mac_a=MACS["transport1"],
                mac_b=MACS["mag"],
                queues=queues,
            )
            if counts:
                self.counters = {DOWN: self.count(self.mag, "transport"), UP: self.count(self.cn, "core")}
        except BaseException:
            self.close()
            raise

    def count(self, namespace, interface):
        """Starts a counter."""
        counter = self.start(
            [os.path.join(BUILT, "count"), os.path.join(BUILT, "count.bpf.o"), interface],
            namespace=namespace,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.expect_ready(counter)
        return counter

    @staticmethod
    def expect_ready(process):
        """Waits for the line "ready"."""
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a program of the benchmark did not start; its reason is above")

    def start_anchor(self):
        """Puts the LMA in, without bindings."""
        next_hops = {"core": ("2001:db8:c::1", MACS["cn"]), "transport1": ("2001:db8:e1::2", MACS["mag"])}
        settings = configuration.lma(
            pools=[POOL],
            local_addresses=[ANCHOR],
            workers=[DEVICE_CPU],
            kernel_sync=False,
            ports=[configuration.port("core", "core"), configuration.port("transport1", "transport")],
            routes=[
                {"prefix": f"{GATEWAY_NET}/48", "via": next_hops["transport1"][0], "port": "transport1"},
                {"prefix": "2001:db8:c::/48", "via": next_hops["core"][0], "port": "core"},
            ],
            neighbors=[
                {"address": address, "port": port, "mac": mac} for port, (address, mac) in next_hops.items()
            ],
        )
        return Daemon(self, self.dut, "lma", settings).start()

    def generate(self, *, destinations, seconds, size, rate=0, direction=DOWN, even=False, cpu=GENERATOR_CPU):
        """Starts a generator: as fast as it can, or at a rate in frames a second; `size` in octets or "mix"."""
        namespace, interface, ends = {
            DOWN: (self.cn, "core", (MACS["cn"], MACS["core"])),
            UP: (self.mag, "transport", (MACS["mag"], MACS["transport1"])),
        }[direction]
        self.generators += 1
        program = [os.path.join(BUILT, "generate"), os.path.join(BUILT, "generate.bpf.o"), interface, *ends]
        options = ["-n", destinations, "-t", seconds, "-l", size, "-g", MAGS, "-o", self.generators * NUMBERS]
        return self.start(
            ["taskset", "-c", cpu, *program, *options]
            + (["-r", rate] if rate else [])
            + (["-e"] if even else [])
            + (["-u"] if direction == UP else []),
            namespace=namespace,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rate(self, *, destinations, seconds, size, direction=DOWN):
        """Offers frames. Returns Mpps that arrived behind the device, their tunnelled share, Mpps offered."""
        generator = self.generate(destinations=destinations, seconds=seconds + 1, size=size, direction=direction)
        time.sleep(0.5)
        first = self.totals(direction)
        time.sleep(seconds)
        last = self.totals(direction)
        offered = json.loads(generator.communicate(timeout=60)[0])
        packets = last[1] - first[1]
        if packets == 0:
            raise RuntimeError("nothing arrived behind the device under test")
        return (
            packets / (last[0] - first[0]) * 1e3,
            (last[3] - first[3]) / packets,
            offered["frames"] / offered["seconds"] / 1e6,
        )

    def totals(self, direction=DOWN):
        """A counter's running totals: nanoseconds, packets, octets, tunnelled, late."""
        return [int(word) for word in self.ask(direction, "").split()]

    def ask(self, direction, line):
        """A counter's answer to one line."""
        counter = self.counters[direction]
        counter.stdin.write(line + "\n")
        counter.stdin.flush()
        answer = counter.stdout.readline()
        if not answer:
            raise RuntimeError("a counter ended; its reason is above")
        return answer


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
