"""The bed of the `port` suite: two veth pairs, and at both far ends a generator and a counter.

CN ─ core ─ device under test ─ transport1 ─ MAG1. `Bench` has one device under test (devices.py puts it in); several
stand side by side, and only the one that is asked has anything to do. With real interfaces there is one at a time.
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


def nics():
    """Real interfaces instead of veth pairs: FASTPATH_BENCH_NICS names four, of the CN, the device's core and transport, and
    the MAG; the first two are cabled together, and so are the others. Empty without."""
    words = os.environ.get("FASTPATH_BENCH_NICS", "").replace(",", " ").split()
    if words and len(set(words)) != 4:
        raise SystemExit(f"FASTPATH_BENCH_NICS must name four interfaces, and names {len(set(words))}: {' '.join(words)}")
    return words


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


def gateway(binding):
    """The far end of binding i's tunnel."""
    return f"{GATEWAY_NET}{1 + binding % MAGS:x}"


def was_offered(made, rate):
    """Whether a generator, by what it printed, has offered a rate: one that lags makes a figure of something easier."""
    return made["frames"] > 0.98 * rate * made["seconds"]


class Bench(Bed):
    """The two veth pairs, the counters (unless something else counts), and room for one device under test."""

    def __init__(self, *, counts=True, queues=1):
        super().__init__()
        self.generators = 0
        self.counters = {}
        try:
            self.cn, self.dut, self.mag = (self.namespace(role) for role in ("cn", "lma", "mag1"))
            ends = [
                (self.cn, "core", MACS["cn"], 1500),
                (self.dut, "core", MACS["core"], 1500),
                (self.dut, "transport1", MACS["transport1"], 1600),
                (self.mag, "transport", MACS["mag"], 1600),
            ]
            if nics():
                for interface, end in zip(nics(), ends):
                    self.borrow(interface, *end)
            else:
                for (a, name_a, mac_a, mtu), (b, name_b, mac_b, _) in (ends[:2], ends[2:]):
                    self.link(a, name_a, b, name_b, mtu=mtu, mac_a=mac_a, mac_b=mac_b, queues=queues)
            if counts:
                self.counters = {DOWN: self.count(self.mag, "transport"), UP: self.count(self.cn, "core")}
        except BaseException:
            self.close()
            raise

    def borrow(self, interface, namespace, name, mac, mtu):
        """Moves a real interface into a namespace, and back where it was when the bed closes."""
        facts = json.loads(run(["ip", "-j", "link", "show", "dev", interface]).stdout)[0]
        home = os.getpid()
        back = f"link set {name} address {facts['address']} mtu {facts['mtu']} netns {home} name {interface}"
        run(["ip", "link", "set", interface, "netns", namespace.name, "name", name])
        self.on_close(lambda: namespace.ip(f"link set {name} down", back))
        namespace.run(["ethtool", "-K", name, "gro", "off", "lro", "off", "rxvlan", "off", "txvlan", "off"], check=False)
        namespace.ip(f"link set {name} address {mac} mtu {mtu} up")

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

    def start_anchor(self, workers=(DEVICE_CPU,)):
        """Puts the LMA in, without bindings; a worker for each CPU named."""
        next_hops = {"core": ("2001:db8:c::1", MACS["cn"]), "transport1": ("2001:db8:e1::2", MACS["mag"])}
        settings = configuration.lma(
            pools=[POOL],
            local_addresses=[ANCHOR],
            workers=list(workers),
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

    def generate(self, *, destinations, seconds, size, rate=0, direction=DOWN, cpu=GENERATOR_CPU, burst=0,
                 watched=0):
        """Starts a generator: as fast as it can, or at a rate in frames a second; `size` in octets or "imix". With
        `burst` so many frames are sent together, the first of them to binding `watched`, and it sleeps in between."""
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
            + (["-b", burst, "-w", watched] if burst else [])
            + (["-u"] if direction == UP else []),
            namespace=namespace,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rate(self, *, destinations, seconds, size, direction=DOWN, cpus=(GENERATOR_CPU,)):
        """Offers frames from each of the CPUs. Returns Mpps that arrived behind the device, how many packets that were, and
        how many of them were in a tunnel."""
        before = self.totals(direction)[1]
        generators = [
            self.generate(destinations=destinations, seconds=seconds + 0.6, size=size, direction=direction, cpu=cpu)
            for cpu in cpus
        ]
        self.await_frames(direction, before)
        time.sleep(0.3)
        first = self.totals(direction)
        time.sleep(seconds)
        last = self.totals(direction)
        for generator in generators:
            if not generator.communicate(timeout=60)[0]:
                raise RuntimeError("a generator failed; its reason is above")
        packets = last[1] - first[1]
        if not packets:
            raise RuntimeError(f"nothing arrived {direction} in {seconds} s: is the machine too busy for generator and device?")
        return packets / (last[0] - first[0]) * 1e3, packets, last[3] - first[3]

    def await_frames(self, direction, before):
        """Waits until more frames have arrived than before."""
        deadline = time.monotonic() + 5
        while self.totals(direction)[1] == before:
            if time.monotonic() > deadline:
                raise RuntimeError("nothing arrived behind the device under test")
            time.sleep(0.01)

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
