"""Fast handovers and localized routes on real interfaces, under running flows: lost, doubled and overtaken are counted."""

import random
import re
import socket
import threading
import time
import unittest

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from cases import DomainTest
from testbed import RawPort, handover, traffic
from testbed.addresses import CN, CN4, HNP2, HOA1, HOA2, MAG1, MAG2, MN1, MN2
from testbed.bed import wait_until
from testbed.control import Refused
from testbed.mobility import Movement, keys, know_each_other, localized_routes, lost_outside, mn1_at, outside

RATE = 1000
BUFFERS = {"per-mobile-node": 4096, "total": 8192, "timeout": "20s"}


class Peered(DomainTest):
    """LMA, MAG1 and MAG2 with a link of their own; MN1 begins each test at MAG1, MN2 is at MAG2."""

    peered = True

    @classmethod
    def prepare(cls, domain):
        cls.lma = domain.lma_daemon()
        cls.mags = {number: domain.mag_daemon(number, buffers=BUFFERS) for number in (1, 2)}
        for daemon in (cls.lma, *cls.mags.values()):
            daemon.start()
        know_each_other(domain)
        return (cls.lma, *cls.mags.values())

    def setUp(self):
        """MN1 at MAG1, and nothing left of the test before."""
        self.domain.move_mn1(1)
        for number, daemon in self.mags.items():
            daemon.control.delete(*[{"route": record["route"]} for record in localized_routes(number)])
            daemon.control.delete(*keys(number))
        mn2 = [record for record in self.domain.mag_records(2) if record["mn"] == "mn2@example"]
        self.mags[1].control.set(*mn1_at(1))
        self.mags[2].control.set(*mn2)
        self.lma.control.set(*self.domain.lma_records())
        # Both tunnels of the LMA know their next hops before a stream is counted.
        for address in (MN1, MN2):
            wait_until(
                lambda address=address: self.domain.cn.ping(address, count=1, wait=0.2) == 1,
                timeout=5,
                what=f"{address} answers",
            )

    def move(self, origin=1):
        """A movement that has not begun."""
        return Movement(self.domain, self.lma, self.mags, origin)

    def downlink(self, address, port):
        """A stream from CN to MN1."""
        return traffic.Stream(self.domain, self.domain.cn, self.domain.mn1, address, rate=RATE, seconds=60, port=port)

    def finish(self, stream):
        """What became of a stream; its sender and receiver kept up, or the run says nothing."""
        result = stream.finish(stop=True)
        self.assertEqual(result["overflow"], 0, "the receiving program was too slow: the run says nothing")
        arrived = stream.records()
        return arrived, {**result, **traffic.order(arrived, result["sent"])}

    def drops(self, number):
        """What a MAG has dropped, by reason."""
        counters = self.mags[number].control.counters()
        return {name[5:]: value for name, value in counters.items() if name.startswith("drop.") and value}

    def told(self):
        """What every plane has dropped, for whoever has to find out where packets went."""
        drops = {f"mag{number}": self.drops(number) for number in self.mags}
        counters = self.lma.control.counters()
        return {**drops, "lma": {name: n for name, n in counters.items() if name.startswith("drop.") and n}}

    def strangers(self, number):
        """Tunnel packets that were nobody's, for whichever of the reasons."""
        drops = self.drops(number)
        return sum(drops.get(reason, 0) for reason in ("source-not-bound", "unknown-tunnel", "not-on-link"))


class Handovers(Peered):
    """Predictive and reactive."""

    def test_predictive_loses_nothing_doubles_nothing_and_keeps_the_order(self):
        streams = [self.downlink(MN1, 7009), self.downlink(HOA1, 7010)]
        time.sleep(0.3)
        movement = self.move()
        movement.predictive(away=0.2)
        time.sleep(0.3)
        leg1, leg2 = (leg_index(self.domain.mn1, leg) for leg in ("leg1", "leg2"))
        for stream in streams:
            arrived, result = self.finish(stream)
            self.assertEqual((result["lost"], result["duplicated"]), (0, 0), result)
            self.assertEqual(outside(arrived, [movement.times["registered"]]), 0)
            # Held: what was sent while MN1 was away arrived after it was back, on the new link only.
            gone, back = movement.times["redirecting"][1], movement.times["released"][0]
            held = [record for record in arrived if gone < record[1] < back]
            self.assertGreater(len(held), 100, "nothing was held: the run says nothing")
            self.assertEqual({record[3] for record in held}, {leg2})
            self.assertTrue(all(record[2] > back for record in held))
            self.assertEqual({record[3] for record in arrived if record[2] < gone}, {leg1})
        self.assertEqual(self.mags[2].control.counters().get("held", 0), 0)

    def test_predictive_with_relaying_until_the_registration(self):
        downlink = self.downlink(MN1, 7009)
        uplink = traffic.Stream(self.domain, self.domain.mn1, self.domain.cn, CN, rate=RATE, seconds=60, port=7011)
        time.sleep(0.3)
        movement = self.move()
        movement.predictive(away=0.2, release="relaying")
        time.sleep(1)
        arrived, result = self.finish(downlink)
        self.assertEqual((result["lost"], result["duplicated"]), (0, 0), result)
        self.assertEqual(outside(arrived, [movement.times["registered"], movement.times["active"]]), 0)
        self.check_uplink(uplink, movement)

    def test_reactive_loses_nothing_that_reaches_a_mag_that_knows(self):
        downlink = self.downlink(MN1, 7009)
        uplink = traffic.Stream(self.domain, self.domain.mn1, self.domain.cn, CN, rate=RATE, seconds=60, port=7011)
        time.sleep(0.3)
        movement = self.move()
        movement.reactive(away=0.3)
        time.sleep(0.3)
        arrived, result = self.finish(downlink)
        self.assertEqual((result["lost"], result["duplicated"]), (0, 0), result)
        windows = [movement.times[name] for name in ("redirecting", "attached", "registered", "active")]
        self.assertEqual(outside(arrived, windows), 0)
        self.check_uplink(uplink, movement)
        for way in ("up", "down"):
            self.assertGreater(movement.counters[f"tunnel.{MAG2}.{MAG1}.{way}.packets"], 100)

    def check_uplink(self, stream, movement):
        """Between the LMA's word and the new MAG's, a packet comes by the MAG that the LMA does not know any more: it is
        dropped there (section 2.15). Nothing else is lost, nothing comes twice or out of order."""
        arrived, result = self.finish(stream)
        begin, end = movement.times["registered"][0], movement.times["active"][1]
        self.assertEqual(lost_outside(arrived, result["sent"], begin, end), 0)
        self.assertEqual(result["duplicated"], 0)
        self.assertEqual(outside(arrived, [movement.times["attached"], (begin, end)]), 0)

    def test_more_than_the_buffer_holds_is_counted(self):
        small = {"per-mobile-node": 64, "total": 128, "timeout": "20s"}
        self.addCleanup(self.restart, 2, BUFFERS)
        self.restart(2, small)
        stream = self.downlink(MN1, 7009)
        time.sleep(0.3)
        self.move().predictive(away=0.3)
        time.sleep(0.3)
        arrived, result = self.finish(stream)
        full = self.mags[2].control.counters().get("drop.buffer-full", 0)
        self.assertGreater(full, 0)
        self.assertEqual((result["lost"], result["duplicated"]), (full, 0))

    def restart(self, number, buffers):
        """A MAG with other buffers."""
        daemon = self.mags[number]
        daemon.stop()
        daemon.configuration = daemon.configuration.with_(buffers=buffers)
        daemon.start()
        know_each_other(self.domain)
        mn2 = [record for record in self.domain.mag_records(2) if record["mn"] == "mn2@example"]
        daemon.control.set(*mn2)

    def test_tcp_runs_through_both(self):
        flows = [
            PacedFlow(self.domain.cn, self.domain.mn1, MN1, CN, 7021),
            PacedFlow(self.domain.mn1, self.domain.cn, CN, MN1, 7022),
            PacedFlow(self.domain.cn, self.domain.mn1, HOA1, CN4, 7023),
        ]
        time.sleep(0.5)
        self.move().predictive()
        time.sleep(0.5)
        self.move(origin=2).reactive()
        time.sleep(0.5)
        for flow in flows:
            self.assertEqual(flow.finish(), flow.sent)

    def test_a_cancelled_handover_leaves_nothing_behind(self):
        stream = self.downlink(MN1, 7009)
        time.sleep(0.2)
        before = self.drops(2).get("buffer-cancelled", 0)
        self.mags[2].control.set(*mn1_at(2, "buffering"))
        self.mags[1].control.set(*mn1_at(1, "redirecting"))
        time.sleep(0.2)
        self.mags[1].control.set(*mn1_at(1))
        time.sleep(0.05)
        self.mags[2].control.delete(*keys(2))
        time.sleep(0.2)
        _arrived, result = self.finish(stream)
        cancelled = self.drops(2)["buffer-cancelled"] - before
        self.assertGreater(cancelled, 50)
        self.assertEqual((result["lost"], result["duplicated"], result["reordered"]), (cancelled, 0, 0))

    def test_a_stranger_beside_a_handover_is_dropped(self):
        # MN1 is handed to MAG2; MAG2 may relay for MN1 and for nobody else.
        self.mags[1].control.set(*mn1_at(1, "redirecting"))
        mac = self.domain.mag1.run(["cat", "/sys/class/net/peer/address"]).stdout.strip()
        before = self.strangers(1)
        with RawPort(self.domain.mag2, "peer") as port, RawPort(self.domain.cn, "core") as core:
            for outer, inner in (((MAG2, MAG1), (MN2, CN)), (("2001:db8:bad::1", MAG1), (MN1, CN))):
                packet = IPv6(src=outer[0], dst=outer[1]) / IPv6(src=inner[0], dst=inner[1]) / UDP(dport=9) / b"spoof"
                for _ in range(10):
                    port.send(Ether(dst=mac) / packet)
            wait_until(lambda: self.strangers(1) - before == 20, timeout=3, what="20 packets dropped")
            self.assertEqual([frame for frame in core.receive(timeout=0.2) if b"spoof" in frame], [])


class TwoQueues(Peered):
    """Both MAGs with two workers: what the second one receives has to go behind what the first one holds."""

    queues = 2
    PORTS = range(7009, 7015)

    def redirected(self, namespace, ports):
        """Packets that a daemon's program redirected on each queue, over these ports, as veth counts them."""
        text = "".join(namespace.run(["ethtool", "-S", port]).stdout for port in ports)
        found = [(int(queue), int(count)) for queue, count in re.findall(r"rx_queue_(\d+)_xdp_redirect: (\d+)", text)]
        return [sum(count for queue, count in found if queue == index) for index in (0, 1)]

    def test_S_59_held_before_live_whichever_queue_a_packet_comes_by(self):
        # By the sender's CPU (XPS): a hash of the flows has put all of them into one queue.
        for queue in (0, 1):
            self.domain.cn.run(["sh", "-c", f"echo {1 << queue} > /sys/class/net/core/queues/tx-{queue}/xps_cpus"])
        streams = [
            traffic.Stream(
                self.domain, self.domain.cn, self.domain.mn1, MN1, rate=300, seconds=60, port=port, cpu=port % 2)
            for port in self.PORTS
        ]
        time.sleep(0.3)
        way = {"LMA": (self.domain.lma, ["core"]), "MAG1": (self.domain.mag1, ["transport"]),
               "MAG2": (self.domain.mag2, ["transport", "peer"])}
        before = {name: self.redirected(*ports) for name, ports in way.items()}
        movement = self.move()
        movement.predictive(away=0.3)
        used = {name: [after - earlier for after, earlier in zip(self.redirected(*ports), before[name], strict=True)]
                for name, ports in way.items()}
        time.sleep(0.3)
        for stream in streams:
            arrived, result = self.finish(stream)
            self.assertEqual((result["lost"], result["duplicated"]), (0, 0), (result, self.told()))
            self.assertEqual(outside(arrived, [movement.times["registered"]]), 0)
            gone, back = movement.times["redirecting"][1], movement.times["released"][0]
            self.assertGreater(len([record for record in arrived if gone < record[1] < back]), 20, "nothing was held")
        self.assertEqual(self.mags[2].control.counters().get("held", 0), 0)
        # Last: what was lost on a queue is said first.
        self.assertGreater(min(used["MAG2"]), 50, f"one queue had all of it, the run says nothing: {used}")


class Localized(Peered):
    """Routes that come and go under a flow."""

    def setUp(self):
        super().setUp()
        self.mags[1].control.set(*mn1_at(1, localRouting=True))
        mn2 = [r for r in self.domain.mag_records(2, localRouting=True) if r["mn"] == "mn2@example"]
        self.mags[2].control.set(*mn2)

    def check(self, address):
        stream = traffic.Stream(
            self.domain, self.domain.mn1, self.domain.mn2, address, rate=RATE, seconds=60, port=7012
        )
        time.sleep(0.2)
        counter = f"tunnel.{MAG1}.{MAG2}.up.packets"
        for _ in range(5):
            # The receiving side first, and last.
            self.mags[2].control.set(*localized_routes(2))
            self.mags[1].control.set(*localized_routes(1))
            time.sleep(0.1)
            direct = self.mags[1].control.counters().get(counter, 0)
            time.sleep(0.1)
            self.assertGreater(self.mags[1].control.counters()[counter], direct, "no packet took the localized route")
            self.mags[1].control.delete(*[{"route": record["route"]} for record in localized_routes(1)])
            time.sleep(0.05)
            self.mags[2].control.delete(*[{"route": record["route"]} for record in localized_routes(2)])
        _arrived, result = self.finish(stream)
        self.assertEqual((result["lost"], result["duplicated"]), (0, 0), self.told())

    def test_mag_to_mag_under_a_flow(self):
        self.check(MN2)

    def test_mag_to_mag_under_an_ipv4_flow(self):
        self.check(HOA2)

    def test_the_other_mag_accepts_only_inside_its_route(self):
        # MAG1's tunnel to MAG2 is open for MN1 to MN2 alone.
        self.mags[2].control.set(*localized_routes(2))
        mac = self.domain.mag2.run(["cat", "/sys/class/net/peer/address"]).stdout.strip()
        before = self.strangers(2)
        with RawPort(self.domain.mag1, "peer") as port, RawPort(self.domain.mn2, "leg2") as leg:
            for _ in range(10):
                packet = IPv6(src=MAG1, dst=MAG2) / IPv6(src=CN, dst=MN2) / UDP(dport=9) / b"spoof"
                port.send(Ether(dst=mac) / packet)
            wait_until(lambda: self.strangers(2) - before == 10, timeout=3, what="10 packets dropped")
            self.assertEqual([frame for frame in leg.receive(timeout=0.2) if b"spoof" in frame], [])

    def test_both_at_one_mag_under_a_flow(self):
        self.mags[2].control.set(*mn1_at(2))
        self.lma.control.set(*handover.binding(2))
        self.domain.move_mn1(2)
        stream = traffic.Stream(self.domain, self.domain.mn1, self.domain.mn2, MN2, rate=RATE, seconds=60, port=7012)
        time.sleep(0.2)
        for local in (True, False) * 5:
            self.mags[2].control.set(*mn1_at(2, localRouting=local))
            time.sleep(0.05)
        _arrived, result = self.finish(stream)
        self.assertEqual((result["lost"], result["duplicated"]), (0, 0), self.told())

    def test_no_route_while_local_routing_is_off(self):
        mn2 = [record for record in self.domain.mag_records(2, localRouting=False) if record["prefix"] == HNP2]
        self.mags[2].control.set(*mn2)
        with self.assertRaisesRegex(Refused, "route.from"):
            self.mags[2].control.set(localized_routes(2)[0])


class PacedFlow:
    """One TCP connection that sends 20 kilooctets every 10 ms until it is told to finish."""

    def __init__(self, client, server, address, source, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with server.entered():
            listening = socket.socket(family, socket.SOCK_STREAM)
        with client.entered():
            self.connection = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(1)
        self.connection.settimeout(20)
        self.connection.bind((source, 0))
        self.connection.connect((address, port))
        self.peer, _ = listening.accept()
        listening.close()
        self.peer.settimeout(20)
        self.received, self.sent = bytearray(), bytearray()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        generator = random.Random(7)
        while not self.stopping.is_set():
            part = generator.randbytes(20000)
            self.connection.sendall(part)
            self.sent += part
            time.sleep(0.01)
        self.connection.shutdown(socket.SHUT_WR)

    def _receive(self):
        while part := self.peer.recv(65536):
            self.received += part

    def finish(self):
        """Ends the flow; what has arrived."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        self.connection.close()
        self.peer.close()
        return self.received


def leg_index(namespace, interface):
    """The number by which the receiver knows an interface."""
    return int(namespace.run(["cat", f"/sys/class/net/{interface}/ifindex"]).stdout)


if __name__ == "__main__":
    unittest.main()
