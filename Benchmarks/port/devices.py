"""The devices under test: the LMA and its peers, each on a bed of its own, all with the same bindings."""

import os
import subprocess
import sys

from bench import ANCHOR, BUILT, DEVICE_CPU, DOWN, GATEWAY_NET, GENERATOR_CPU, MACS, MAGS, ROOT, UP, Bench, gateway, prefix_number
from results import Wrong
from routes import add_routes

sys.path.append(os.path.join(ROOT, "Benchmarks", "control"))
import bed as control  # noqa: E402  (the suite `control`: its client, and the bindings as that takes them)

#: Routes of what comes out of the kernel's tunnels.
INNER_TABLE = 100
#: What each is, for the record.
WORDS = {
    "lma": "the product",
    "lma-2": "the product, two workers",
    "l2fwd": "C, AF_XDP, layer 2 only",
    "seg6": "the kernel: encap.red by a route to a nexthop object for each /64, End.DT6 up; on the generator's CPU",
    "xdp-lpm": "XDP program, BPF trie; on the generator's CPU",
    "xdp-hash": "XDP program, BPF hash of the /64; on the generator's CPU",
}


class Device(Bench):
    """One device under test on its bed."""

    name = ""
    #: A veth hands frames to the receive queue of the CPU that sends them.
    queues, generator_cpus = 1, (GENERATOR_CPU,)
    #: Share of the frames behind it that are in a tunnel.
    tunnelled = {DOWN: 1.0, UP: 0.0}

    def __init__(self, bindings):
        super().__init__(queues=self.queues)
        self.bindings = 0
        try:
            self.put_in()
            self.grow(bindings)
        except BaseException:
            self.close()
            raise

    def put_in(self):
        """Starts it without bindings."""

    def add(self, first, last):
        """Adds bindings first … last-1."""

    def grow(self, bindings):
        """Has so many bindings from here on."""
        if bindings > self.bindings:
            self.add(self.bindings, bindings)
            self.bindings = bindings

    def measure(self, direction, *, size=78, seconds=1.5):
        """Mpps forwarded at most; an error when what arrived was not what the device should make."""
        mpps, packets, tunnelled = self.rate(
            destinations=self.bindings, seconds=seconds, size=size, direction=direction, cpus=self.generator_cpus
        )
        # The counters are read while they count: at either end a packet may be in one of them and not yet in the other.
        if abs(tunnelled - self.tunnelled[direction] * packets) > 2:
            raise Wrong(f"{self.name}: of {packets} packets that arrived {direction}, {tunnelled} were in tunnels")
        return mpps


class Anchor(Device):
    """fastpathd as an LMA."""

    name = "lma"
    workers = (DEVICE_CPU,)

    def put_in(self):
        self.daemon = self.start_anchor(self.workers)

    def add(self, first, last):
        with control.fp.Client(self.daemon.socket_path, owner=control.OWNER, name="bench", timeout=60) as client:
            client.load_packed(control.packed(last, 0))


class TwoWorkers(Anchor):
    """The same with two workers, each on a CPU of its own, as its receive path."""

    name = "lma-2"
    queues, generator_cpus = 2, (0, 1)
    workers = (2, 3) if (os.cpu_count() or 1) >= 4 else (0, 1)


class Layer2(Device):
    """The C forwarder of MAC addresses."""

    name = "l2fwd"
    tunnelled = {DOWN: 0.0, UP: 1.0}
    #: Frames of one transmit call (0: the kernel's default), and of one batch.
    budget, batch = 2048, 256

    def put_in(self):
        program = [os.path.join(BUILT, "l2fwd"), os.path.join(BUILT, "redirect.bpf.o"), "core", "transport1"]
        self.expect_ready(
            self.start(
                [*program, MACS["cn"], MACS["mag"], DEVICE_CPU, self.budget, self.batch],
                namespace=self.dut,
                stdout=subprocess.PIPE,
                text=True,
            )
        )


class SegmentRouting(Device):
    """The kernel: encap.red down, End.DT6 up, which looks up the inner destination, as an LMA must, but no source."""

    name = "seg6"

    def put_in(self):
        interfaces = ("all", "core", "transport1")
        self.dut.sysctl(
            {"net.ipv6.conf.all.forwarding": 1, "net.ipv6.seg6_flowlabel": -1}
            | {f"net.ipv6.conf.{name}.seg6_enabled": 1 for name in interfaces}
        )
        # Live frames reach a veth without a program only where GRO is on (it has NAPI then); nothing here can be merged.
        for name in interfaces[1:]:
            self.dut.run(["ethtool", "-K", name, "gro", "on"])
        self.dut.run(["ip", "sr", "tunsrc", "set", ANCHOR])
        self.dut.ip(
            "addr add 2001:db8:c::fe/64 dev core nodad",
            "addr add 2001:db8:e1::1/64 dev transport1 nodad",
            f"neigh add 2001:db8:c::1 lladdr {MACS['cn']} dev core nud permanent",
            f"neigh add 2001:db8:e1::2 lladdr {MACS['mag']} dev transport1 nud permanent",
            f"route add {GATEWAY_NET}/48 via 2001:db8:e1::2 dev transport1",
            f"route add {ANCHOR}/128 encap seg6local action End.DT6 table {INNER_TABLE} dev transport1",
            f"route add 2001:db8:c::/48 via 2001:db8:c::1 dev core table {INNER_TABLE}",
            *(
                f"nexthop add id {1 + mag} encap seg6 mode encap.red segs {gateway(mag)} dev transport1"
                for mag in range(MAGS)
            ),
            family=6,
        )

    def add(self, first, last):
        add_routes(self.dut, ((prefix_number(binding), 1 + binding % MAGS) for binding in range(first, last)))


class XdpEncapsulator(Device):
    """An XDP program that does it all."""

    name, map = "xdp-lpm", "trie"

    def put_in(self):
        program = [os.path.join(BUILT, "encapsulate"), os.path.join(BUILT, "encapsulate.bpf.o"), self.map]
        self.loader = self.start(
            [*program, "core", "transport1", MACS["core"], MACS["cn"], MACS["transport1"], MACS["mag"], 0, MAGS],
            namespace=self.dut,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.expect_ready(self.loader)

    def add(self, first, last):
        self.loader.stdin.write(f"{last}\n")
        self.loader.stdin.flush()
        self.expect_ready(self.loader)


class XdpHash(XdpEncapsulator):
    """The same with a hash."""

    name, map = "xdp-hash", "hash"


DEVICES = {device.name: device for device in (Anchor, TwoWorkers, Layer2, SegmentRouting, XdpEncapsulator, XdpHash)}
