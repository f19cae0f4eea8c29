"""The bed of the suite `control`: the LMA of the suite `port` with a million bindings, and this suite's programs."""

import glob
import json
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "Benchmarks"), os.path.join(ROOT, "Benchmarks", "port"), os.path.join(ROOT, "clients", "python")]

import bench  # noqa: E402
import fastpath_client as fp  # noqa: E402
from results import Wrong  # noqa: E402
from testbed.command import run  # noqa: E402

MAGS = 64
#: octets of a frame that is offered
SIZE = 78
OWNER = 7
#: The binding whose first packet is waited for in a handover.
HANDED_OVER = 4711
#: The suite's programs run where the generator does: the worker has the other CPU.
BESIDE = ["taskset", "-c", "0"]


def build():
    """Compiles what the suite `port` has, and the programs of this one."""
    bench.build()
    triple = run(["cc", "-print-multiarch"]).stdout.strip()
    compiler = os.path.join(os.path.dirname(os.path.realpath(run(["which", "swift"]).stdout.strip())), "clang")
    headers = glob.glob(os.path.join(HERE, "*.h")) + glob.glob(os.path.join(ROOT, "clients", "c", "*.h"))
    for name in ("update", "handover", "floor"):
        made(name, f"{name}.c", ["cc", "-O2", "-Wall", "-Wextra", "-Werror"], ["-lbpf"], headers)
    options = ["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", f"-I/usr/include/{triple}", "-c"]
    made("watch.bpf.o", "watch.bpf.c", [compiler, *options], [], [])


def made(target, source, command, libraries, headers):
    """One compilation, when something is newer."""
    target, source = os.path.join(bench.BUILT, target), os.path.join(HERE, source)
    newest = max(os.path.getmtime(path) for path in [source, *headers])
    if not os.path.exists(target) or os.path.getmtime(target) < newest:
        run([*command, "-o", target, source, *libraries])


def packed(bindings, turn):
    """The bindings as octets; binding i goes by gateway i + turn."""
    layout = struct.Struct("<BBBBIII16s16s16s")
    anchor = fp.pack_address("2001:db8:1::1")[1]
    gateways = [fp.pack_address(f"2001:db8:a::{1 + index:x}")[1] for index in range(MAGS)]
    base = int.from_bytes(fp.pack_address("2001:db8:100::")[1], "big")
    octets = b"".join(
        layout.pack(0, 6, 64, 0, 0, 0, 0, (base + (((index * 0x9E3779B1) & 0xFFFFFF) << 64)).to_bytes(16, "big"), anchor,
                    gateways[(index + turn) % MAGS])
        for index in range(bindings))
    return fp.PackedRecords(fp.BINDINGS, layout.size, octets, entries=bindings)


def write_ndjson(path, bindings):
    """The same bindings for `fastpathctl load`."""
    with open(path, "w", encoding="ascii") as file:
        for index in range(bindings):
            number = (index * 0x9E3779B1) & 0xFFFFFF
            low = f"{number & 0xFFFF:x}::" if number & 0xFFFF else ":"
            file.write(
                f'{{"table":"pmip","prefix":"2001:db8:{0x100 | number >> 16:x}:{low}/64",'
                f'"tunnel":{{"local":"2001:db8:1::1","remote":"2001:db8:a::{1 + index % MAGS:x}"}}}}\n'
            )


class Domain(bench.Bench):
    """The LMA, empty, with its watcher at the gateways' end."""

    def __init__(self):
        super().__init__(counts=False)
        try:
            self.daemon = self.start_anchor()
            self.watcher = None
        except BaseException:
            self.close()
            raise

    def client(self):
        """A connection of the control daemon that the suite plays."""
        return fp.Client(self.daemon.socket_path, owner=OWNER, name="bench", timeout=60)

    def resident(self):
        """Megabytes of the daemon's resident memory."""
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError("the daemon has no resident memory")

    def tool(self, name, *arguments, timeout=120):
        """What a program of the suite printed."""
        done = run([*BESIDE, os.path.join(bench.BUILT, name), *map(str, arguments)], timeout=timeout)
        return json.loads(done.stdout)

    def watch(self):
        """Attaches the watcher, which hands over and counts."""
        self.watcher = self.start(
            [*BESIDE, os.path.join(bench.BUILT, "handover"), os.path.join(bench.BUILT, "watch.bpf.o"), "transport",
             self.daemon.socket_path, HANDED_OVER],
            namespace=self.mag, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect_ready(self.watcher)

    def ask_watcher(self, line):
        """The watcher's answer to one line."""
        self.watcher.stdin.write(line + "\n")
        self.watcher.stdin.flush()
        answer = self.watcher.stdout.readline()
        if not answer:
            raise RuntimeError("the watcher ended; its reason is above")
        return answer

    def arrived(self):
        """Packets at the gateways' end so far; every one of them must be in a tunnel, but one that is just being counted."""
        packets, tunnelled = map(int, self.ask_watcher("").split())
        if abs(packets - tunnelled) > 1:
            raise Wrong(f"{packets - tunnelled} packets came without a tunnel")
        return packets

    def offer(self, bindings, rate, burst):
        """Starts packets to the mobile nodes at a rate, in bursts with sleep between: their CPU is the suite's, too."""
        return self.generate(
            destinations=bindings, seconds=60, size=SIZE, rate=rate, burst=burst, watched=HANDED_OVER)

    @staticmethod
    def offered(load, rate):
        """Ends the packets; how many there were, which must be as many as wanted."""
        load.terminate()
        made = json.loads(load.communicate(timeout=20)[0])
        if not bench.was_offered(made, rate):
            raise RuntimeError(f"{made['frames'] / made['seconds']:.0f} packets a second were offered instead of {rate:.0f}")
        return made["frames"]

    def capacity(self, bindings, seconds=2):
        """Packets a second that the device forwards at most."""
        generator = self.generate(destinations=bindings, seconds=seconds + 1, size=SIZE)
        time.sleep(0.5)
        first, start = self.arrived(), time.monotonic()
        time.sleep(seconds)
        last, end = self.arrived(), time.monotonic()
        generator.communicate(timeout=30)
        return (last - first) / (end - start)
