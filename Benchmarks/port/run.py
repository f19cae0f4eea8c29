#!/usr/bin/python3
"""Suite `port`: packets through real interfaces. The LMA with a million bindings against a forwarder of MAC addresses.

Usage: Benchmarks/port/run.py [--rounds N] [--seconds S] [--size OCTETS] [--bindings N] [--peer-only]
(Benchmarks/run.py port runs it with the defaults and records the result.)

CN ─ core ─ device under test ─ transport1 ─ MAG1, two veth pairs. The generator sends live frames into the CN's end, an
XDP program behind the far end counts and drops. Generator and receive path share CPU 0, the device's thread has CPU 1.
Rounds go A B A B, each on a domain of its own, so that drift of the machine meets both.
"""

import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILT = os.path.join(ROOT, "Benchmarks", ".build")
sys.path[:0] = [os.path.join(ROOT, "Tests", "Netns"), os.path.join(ROOT, "Benchmarks")]

import results  # noqa: E402
from testbed import Bed, Daemon, configuration  # noqa: E402
from testbed.command import run  # noqa: E402

POOL = "2001:db8:100::/40"
MACS = {
    "cn": "02:00:00:00:0c:01",
    "core": "02:00:00:00:0c:02",
    "transport1": "02:00:00:00:0e:01",
    "mag": "02:00:00:00:0e:02",
}
MAGS = 64


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


def prefix(binding):
    """The prefix of binding i: the generator's program computes the same (generate.bpf.c)."""
    number = (binding * 0x9E3779B1) & 0xFFFFFF
    return f"2001:db8:{0x100 | number >> 16:x}:{number & 0xFFFF:x}::/64"


class Bench(Bed):
    """The two veth pairs, the counter, and one device under test."""

    def __init__(self):
        super().__init__()
        try:
            self.cn, self.dut, self.mag = (self.namespace(role) for role in ("cn", "lma", "mag1"))
            self.link(self.cn, "core", self.dut, "core", mac_a=MACS["cn"], mac_b=MACS["core"])
            self.link(
                self.dut, "transport1", self.mag, "transport", mtu=1600, mac_a=MACS["transport1"], mac_b=MACS["mag"]
            )
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
        daemon = Daemon(self, self.dut, "lma", settings).start()
        started = time.monotonic()
        daemon.control.load(records_path)
        return time.monotonic() - started

    def rate(self, *, destinations, seconds, size):
        """Offers frames. Returns Mpps that arrived behind the device, their tunnelled share, Mpps offered."""
        generator = self.start(
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
                seconds + 2,
                size,
            ],
            namespace=self.cn,
            stdout=subprocess.PIPE,
            text=True,
        )
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


def one_round(device, options, records_path):
    """One device, measured once on a bed of its own."""
    with Bench() as bench:
        if device == "lma":
            load_seconds = bench.anchor(records_path)
        else:
            bench.forward()
            load_seconds = None
        mpps, tunnelled, offered = bench.rate(destinations=options.bindings, seconds=options.seconds, size=options.size)
    expected = 1.0 if device == "lma" else 0.0
    if tunnelled != expected:
        raise RuntimeError(f"{device}: {tunnelled:.4f} of what arrived was IPv6 in IPv6, expected {expected}")
    loaded = f", bindings loaded in {load_seconds:.2f} s" if load_seconds is not None else ""
    print(f"  {device}: {mpps:.3f} Mpps of {offered:.2f} offered{loaded}", flush=True)
    return mpps


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    with Bed() as bed:
        path = bed.path("bindings.ndjson")
        with open(path, "w", encoding="ascii") as file:
            for binding in range(options.bindings):
                file.write(
                    f'{{"table":"pmip","prefix":"{prefix(binding)}",'
                    f'"tunnel":{{"local":"2001:db8:1::1","remote":"2001:db8:a::{1 + binding % MAGS:x}"}}}}\n'
                )
        print(
            f"port: {options.size}-octet frames, {options.bindings} bindings and destinations, {MAGS} tunnels",
            flush=True,
        )
        figures = {"l2fwd": [], "lma": []}
        for _ in range(options.rounds):
            for device in ("l2fwd",) if options.peer_only else ("l2fwd", "lma"):
                figures[device].append(one_round(device, options, path))
    note = f"{options.size}-octet frames, {options.bindings} destinations, {MAGS} tunnels, veth, copy mode"
    if options.peer_only:
        return [results.entry("port", "l2fwd-alone", "Mpps", figures["l2fwd"], note=note)]
    name = (
        f"lma-downlink-{options.bindings // 1000000}m"
        if options.bindings >= 1000000
        else f"lma-downlink-{options.bindings}"
    )
    return [
        results.entry(
            "port",
            name,
            "Mpps",
            figures["lma"],
            [("l2fwd", figures["l2fwd"], "C, layer 2 only, same rings and batches")],
            note,
        )
    ]


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--size", type=int, default=78)
    parser.add_argument("--bindings", type=int, default=1000000)
    parser.add_argument("--peer-only", action="store_true", help="only the C forwarder: does the bed work?")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2))
        value, peers = result["value"], result["peers"]
        for peer in peers:
            print(
                f"{result['name']}: {value} Mpps, {peer['name']} {peer['value']} Mpps,"
                f" ratio {value / peer['value']:.2f}"
            )
