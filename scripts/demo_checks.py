"""The checks of `make demo`, in order. Each takes the running planes and a function that adds a row to the table."""

import time

import demo_load
import demo_mobility
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from testbed import RawPort, handover, traffic
from testbed.addresses import CN, CN4, HOA1, HOA2, LMA_CORE, LMAA, MAG1, MAG_MAC, MN1, MN1_MAC, MN2
from testbed.bed import wait_until
from testbed.control import ndjson
from testbed.frames import is_tunnel, outer_addresses


class Planes:
    """The three daemons of the domain."""

    def __init__(self, domain):
        self.domain = domain
        # Room for what a whole stream sends while a mobile node is away.
        room = {"per-mobile-node": 4096, "total": 8192, "timeout": "20s"}
        self.lma = domain.lma_daemon()
        self.mag1, self.mag2 = (domain.mag_daemon(number, buffers=room) for number in (1, 2))

    def start(self):
        """Starts all three and registers MN1 at MAG1 and MN2 at MAG2."""
        for daemon in (self.lma, self.mag1, self.mag2):
            daemon.start()
        self.lma.control.set(*self.domain.lma_records())
        for number, daemon in ((1, self.mag1), (2, self.mag2)):
            daemon.control.set(*self.domain.mag_records(number))

    def mobile_nodes(self):
        """(name, namespace, home address, the correspondent's address of the same family)."""
        for name, namespace, addresses in (
            ("MN1", self.domain.mn1, (MN1, HOA1)),
            ("MN2", self.domain.mn2, (MN2, HOA2)),
        ):
            for address, peer in zip(addresses, (CN, CN4), strict=True):
                yield name, namespace, address, peer

    def print_logs(self):
        """The last words of the daemons, for whoever has to find out why."""
        for daemon in (self.lma, self.mag1, self.mag2):
            print(f"\n--- {daemon.name} ---\n{daemon.log()}")


def family(address):
    """How a row names the address family."""
    return "IPv6" if ":" in address else "IPv4"


def both_directions(planes, row):
    """Ping, UDP and TCP in both directions."""
    cn = planes.domain.cn
    for name, node, address, peer in planes.mobile_nodes():
        for title, client, server, target, source in (
            (f"CN → {name}", cn, node, address, peer),
            (f"{name} → CN", node, cn, peer, address),
        ):
            title = f"{title}, {family(address)}"
            answered = client.ping(target, source=source, count=5)
            row(f"{title}: ping", "5 of 5 answered", f"{answered} of 5", answered == 5)
            sent, right = traffic.udp_exchange(client, server, target, source=source)
            row(f"{title}: UDP echo, 1 to 1400 octets", f"{sent} payloads intact", f"{right} of {sent}", right == sent)
            intact = traffic.tcp_exchange(client, server, target, source=source)
            row(f"{title}: TCP, 1 MiB each way", "digests equal", "equal" if intact else "different", intact)


def tunnel_format(planes, row):
    """The transport link carries plain IPv6-in-IPv6."""
    domain = planes.domain
    for address, source, inner in ((MN1, CN, 41), (HOA1, CN4, 4)):
        with RawPort(domain.wire, "lma1") as down, RawPort(domain.wire, "mag1") as up:
            domain.cn.ping(address, source=source, count=3)
            for title, port, expected in (("downlink", down, (LMAA, MAG1)), ("uplink", up, (MAG1, LMAA))):
                frames = port.receive(accept=is_tunnel, timeout=0.2)
                pairs = {outer_addresses(frame) for frame in frames}
                headers = {frame[20] for frame in frames}
                measured = " ".join(f"{a} > {b}" for a, b in sorted(pairs)) + ", " + " ".join(map(str, sorted(headers)))
                row(
                    f"transport link, {title}, {family(address)} inside",
                    f"3 × {expected[0]} > {expected[1]}, {inner}",
                    f"{len(frames)} × {measured}",
                    len(frames) == 3 and pairs == {expected} and headers == {inner},
                )


def mobile_to_mobile(planes, row):
    """Mobile node to mobile node through the LMA."""
    for target, source in ((MN2, MN1), (HOA2, HOA1)):
        answered = planes.domain.mn1.ping(target, source=source, count=5)
        row(f"MN1 → MN2 by the LMA, {family(target)}: ping", "5 of 5 answered", f"{answered} of 5", answered == 5)


def local_routing(planes, row):
    """Local routing off and on, both mobile nodes at MAG2."""
    domain, control = planes.domain, planes.mag2.control
    planes.lma.control.set(*handover.binding(2))
    domain.move_mn1(2)
    try:
        for wanted in (False, True, False):
            control.set(*domain.mag_records(2, localRouting=wanted))
            with RawPort(domain.wire, "mag2") as transport:
                answered = domain.mn1.ping(MN2, source=MN1, count=5)
                tunnelled = len(transport.receive(accept=is_tunnel, timeout=0.2))
            expected = 0 if wanted else 10
            row(
                f"local routing {'on' if wanted else 'off'}: MN1 → MN2, both at MAG2",
                f"5 of 5, {expected} packets to the LMA",
                f"{answered} of 5, {tunnelled}",
                answered == 5 and tunnelled == expected,
            )
    finally:
        control.set(*domain.mag_records(2))
        planes.lma.control.set(*handover.binding(1))
        domain.move_mn1(1)


def spoofing(planes, row):
    """A spoofed source is dropped and counted."""
    domain = planes.domain
    before = planes.mag1.control.counters().get("drop.source-not-bound", 0)
    frame = Ether(src=MN1_MAC, dst=MAG_MAC) / IPv6(src="2001:db8:100:77::1", dst=CN) / UDP(dport=9) / b"spoofed"
    with RawPort(domain.cn, "core") as core, RawPort(domain.mn1, "leg1") as leg:
        for _ in range(10):
            leg.send(frame)
        seen = len([f for f in core.receive(timeout=0.3) if b"spoofed" in f])

    def dropped():
        return planes.mag1.control.counters().get("drop.source-not-bound", 0) - before

    try:
        wait_until(lambda: dropped() == 10, timeout=2, what="the counter")
    except TimeoutError:
        pass  # the row shows the figure
    count = dropped()
    row(
        "10 packets with a foreign source from MN1's link",
        "10 dropped, 0 at CN",
        f"{count} dropped, {seen} at CN",
        count == 10 and seen == 0,
    )


def crash(planes, row):
    """SIGKILL of the LMA's daemon, restart, tables restored from a dump."""
    domain, lma = planes.domain, planes.lma
    path = domain.path("dump.ndjson")
    with open(path, "w", encoding="utf-8") as file:
        file.write(ndjson(lma.control.dump()))
    lma.kill()
    wait_until(lambda: "xdp" not in domain.lma.run(["ip", "link", "show"]).stdout, timeout=5, what="XDP programs gone")
    row("LMA killed: XDP programs left", "none", "none", True)
    answered = domain.cn.ping(LMA_CORE)
    row("LMA killed: the host itself answers", "3 of 3", f"{answered} of 3", answered == 3)
    answered = domain.cn.ping(MN1, wait=0.3)
    row("LMA killed: nobody else forwards", "0 of 3", f"{answered} of 3", answered == 0)
    started = time.monotonic()
    lma.start()
    lma.control.load(path)
    wait_until(lambda: domain.cn.ping(MN1, count=1, wait=0.1) == 1, timeout=5, what="forwarding after the restart")
    row("LMA started again and the dump loaded: forwards", "within 5 s", f"{time.monotonic() - started:.2f} s", True)
    answered = domain.mn1.ping(CN, source=MN1)
    row("after the restart: MN1 → CN", "3 of 3 answered", f"{answered} of 3", answered == 3)


def conservation(planes, row):
    """Every frame has one fate."""
    for daemon in (planes.lma, planes.mag1, planes.mag2):

        def balanced(daemon=daemon):
            received, accounted = daemon.conservation()
            return (received, accounted) if received == accounted else None

        try:
            received, accounted = wait_until(balanced, timeout=2, what="counters balance")
        except TimeoutError:
            received, accounted = daemon.conservation()
        row(f"{daemon.name}: received = sent + kernel + dropped + held", received, accounted, received == accounted)


CHECKS = [
    both_directions,
    tunnel_format,
    mobile_to_mobile,
    spoofing,
    demo_load.one_handover,
    demo_load.many_handovers,
    local_routing,
    demo_mobility.fast,
    demo_load.throughput,
    conservation,
    crash,
]
