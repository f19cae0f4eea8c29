"""A conformance row on real interfaces: its frames go through a running daemon, one after another."""

import json

from .bed import Bed, wait_until
from .daemon import Daemon, conservation
from .frames import RawPort


class LiveRow:
    """What came of a row: the part of a replay's result that a live run has."""

    def __init__(self, frames, counters):
        self.frames = frames
        # When they came is not looked at.
        self.times = {port: [None] * len(some) for port, some in frames.items()}
        self.counters = counters


class Links:
    """A namespace for the daemon and one for the other end of each of its ports, with the MACs of its configuration.

    Nobody but the daemon answers or announces anything: IPv6 is off everywhere and there is no IPv4 address.
    """

    def __init__(self, configuration):
        self.bed = Bed()
        self.router = self.bed.namespace("router")
        self.ports = {}
        quiet = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
        self.router.sysctl(quiet)
        try:
            for number, port in enumerate(configuration.values["ports"]):
                far = self.bed.namespace(f"far{number}")
                far.sysctl(quiet)
                mtu = max(1600, port.get("mtu", 0))
                self.bed.link(self.router, port["interface"], far, port["name"], mtu=mtu, mac_a=port["mac"])
                self.ports[port["name"]] = RawPort(far, port["name"])
                self.bed.on_close(self.ports[port["name"]].close)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Removes everything."""
        self.bed.close()

    def run(self, row):
        """A fresh daemon with the row's configuration and records; its frames in, everything out."""
        daemon = Daemon(self.bed, self.router, "router", row.configuration).start()
        try:
            if row.records:
                daemon.control.set(*row.records)
            for port in self.ports.values():
                port.drain()
            for number, step in enumerate(row.steps, 1):
                self.ports[step.port].send(step.frame)
                wait_until(lambda step=number: accounted(daemon, step), timeout=5, what=f"the fate of step {number}")
            frames = {name: port.receive(timeout=0.05) for name, port in self.ports.items()}
            counters = daemon.control.counters()
        finally:
            status = daemon.stop()
        if status != 0:
            raise RuntimeError(f"the daemon ended with {status}\n{daemon.log()}")
        return LiveRow(frames, counters)


def accounted(daemon, received):
    """Whether this many frames have come in and each has its fate; one in parts may be held."""
    counters = daemon.control.counters()
    taken, ended = conservation(counters)
    return taken == received and taken == ended


def same_links(configuration):
    """What two configurations must share to run on the same links."""
    ports = [(port["name"], port["interface"], port["mac"]) for port in configuration.values["ports"]]
    return json.dumps(ports)
