"""What the control daemon is told: traffic for nobody, packets of nobody, overflows, ends."""

import unittest

from replay import EPOCH, replay
from world import *

UNKNOWN_MAC = "02:00:00:00:07:77"
PEER = {"local": MAG2, "remote": MAG1}
NEW = MAG.with_(local_addresses=[MAG2], router_addresses=[MAG2])


def told(result, kind):
    """(seconds, event without its name and time) of one kind."""
    return [
        (round(float(event["at"]) - EPOCH, 6), {name: event[name] for name in event if name not in ("event", "at")})
        for event in result.events
        if event["event"] == kind
    ]


class Unbound(unittest.TestCase):
    """An anchored address without a binding (S-26), a source that is nobody's: dropped as ever, and told."""

    def test_S_26_traffic_for_an_unbound_address_is_told_once_a_second_for_each(self):
        first, second = "2001:db8:100:9::1", "203.0.113.99"
        packets = [("core", 0.01 * n, bytes(from_cn(udp6(CN, first)))) for n in range(250)]
        packets += [("core", 0.005 + 0.01 * n, bytes(from_cn(udp4(CN4, second)))) for n in range(250)]
        result = replay(LMA, packets, records=LMA_RECORDS)
        self.assertEqual({verdict["reason"] for verdict in result.verdicts}, {"no-binding"})
        events = told(result, "unbound")
        for address in (first, second):
            times = [at for at, event in events if event["address"] == address]
            self.assertTrue(2 <= len(times) <= 3, f"{address}: {times}")
            self.assertTrue(all(b - a > 0.999 for a, b in zip(times, times[1:], strict=False)), times)
        self.assertEqual({event["port"] for _at, event in events}, {"core"})

    def test_S_26_a_flood_of_them_is_bounded(self):
        packets = [("core", 0.0005 * n, bytes(from_cn(udp6(CN, f"2001:db8:100:{n + 256:x}::1")))) for n in range(2000)]
        result = replay(LMA, packets, records=LMA_RECORDS)
        self.assertEqual(result.counters["drop.no-binding"], 2000)
        self.assertTrue(50 <= len(told(result, "unbound")) <= 210, len(told(result, "unbound")))

    def test_S_26_bound_addresses_are_told_of_never(self):
        result = replay(LMA, [("core", 0.0, bytes(from_cn(udp6(CN, MN1))))], records=LMA_RECORDS)
        self.assertEqual(told(result, "unbound"), [])

    def test_S_26_nor_is_one_that_waits(self):
        records = [lma_binding(HNP1, MAG1, local=LMAA, state="pending")]
        result = replay(LMA, [("core", 0.0, bytes(from_cn(udp6(CN, MN1))))], records=records)
        self.assertEqual(([v["reason"] for v in result.verdicts], told(result, "unbound")), (["binding-pending"], []))

    def test_RSPOOF_1_a_mobile_nodes_foreign_source_is_told_with_its_mac_and_port(self):
        frame = bytes(from_mn(udp6("2001:db8:100:77::1", CN)))
        result = replay(MAG, [("access1", 0.1 * n, frame) for n in range(25)], records=MAG_RECORDS)
        self.assertEqual({verdict["reason"] for verdict in result.verdicts}, {"source-not-bound"})
        events = told(result, "unknown-source")
        self.assertTrue(2 <= len(events) <= 3, events)
        for _at, event in events:
            self.assertEqual(
                (event["address"], event["mac"], event["port"]), ("2001:db8:100:77::1", MN1_MAC, "access1")
            )

    def test_RSPOOF_1_an_ipv4_source_too(self):
        result = replay(MAG, [("access1", 0.0, bytes(from_mn(udp4("10.0.0.1", CN4))))], records=MAG_RECORDS)
        self.assertEqual(
            [(e["address"], e["mac"], e["port"]) for _at, e in told(result, "unknown-source")],
            [("10.0.0.1", MN1_MAC, "access1")],
        )


class Handover(unittest.TestCase):
    """Holding and its end."""

    def binding(self, state):
        return mag_binding(HNP1, local=MAG2, remote=LMAA, port="access1", mac=MN1_MAC, mn="mn1", state=state, peer=PEER)

    def run_one(self, count, **buffers):
        packets = [
            ("transport", round(0.001 * n, 6), bytes(from_lma(tunnel(MAG1, MAG2, udp6(CN, MN1))))) for n in range(count)
        ]
        return replay(
            NEW.with_(buffers={"per-mobile-node": 4, "total": 100, "timeout": "5s", **buffers}),
            packets,
            records=[self.binding("buffering")],
            script=[{"at": 1, "op": "set", **self.binding("flushing")}],
        )

    def test_R5949_5_the_end_of_a_release_is_told_when_the_last_packet_has_left(self):
        result = self.run_one(4)
        events = told(result, "flushed")
        self.assertEqual([event for _at, event in events], [{"table": "pmip", "prefix": HNP1, "mn": "mn1"}])
        self.assertGreaterEqual(events[0][0], result.times["access1"][-1] - 1e-5)
        self.assertLess(events[0][0], result.times["access1"][-1] + 0.05)

    def test_R5949_5_an_empty_release_ends_as_well(self):
        quiet = [("transport", 0.0, bytes(from_lma(tunnel(LMAA, MAG2, udp6(CN, MN2)))))]
        result = replay(
            NEW,
            quiet,
            records=[self.binding("buffering")],
            script=[{"at": 1, "op": "set", **self.binding("flushing")}],
        )
        self.assertEqual([event["prefix"] for _at, event in told(result, "flushed")], [HNP1])

    def test_R5568_3_an_overflow_is_told_and_not_for_every_packet(self):
        result = self.run_one(204)
        self.assertEqual(result.counters["drop.buffer-full"], 200)
        events = told(result, "buffer-overflow")
        self.assertTrue(1 <= len(events) <= 3, events)
        self.assertEqual(events[0][1]["prefix"], HNP1)


class Ends(unittest.TestCase):
    """Lifetimes and peers."""

    def test_S_46_a_binding_that_expires_is_told_with_all_that_names_it(self):
        result = replay(
            LMA,
            [("core", 0.0, bytes(from_cn(udp6(CN, MN1))))],
            records=[
                lma_binding(HNP1, MAG1, local=LMAA, mn="mn1", lifetime=2),
                lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip", lifetime=3),
            ],
        )
        self.assertEqual(
            told(result, "expired"),
            [
                (2.0, {"table": "pmip", "prefix": HNP1, "mn": "mn1", "reason": "lifetime"}),
                (3.0, {"table": "mip", "prefix": f"{MN1}/128", "reason": "lifetime"}),
            ],
        )

    def test_R6705_4_a_route_that_expires_is_told_with_its_pair(self):
        route = {"from": HNP1, "to": "2001:db8:100:5::/64"}
        result = replay(
            MAG.with_(local_routing=True),
            [("access1", 0.0, bytes(from_mn(udp6(MN1, CN))))],
            records=[*MAG_RECORDS, {"route": route, "via": {"local": MAG1, "remote": MAG2}, "lifetime": 2}],
        )
        self.assertEqual(told(result, "route-expired"), [(2.0, route)])

    def test_R5847_1_a_peer_that_fails_and_is_back_is_told(self):
        result = replay(
            LMA,
            [("core", 0.0, bytes(from_cn(udp6(CN, MN1))))],
            records=LMA_RECORDS,
            script=[
                {"at": 1, "op": "set", "peer": MAG1, "state": "failed"},
                {"at": 2, "op": "set", "peer": MAG1, "state": "alive"},
            ],
        )
        states = [(float(e["at"]) - EPOCH, e["state"]) for e in result.events if MAG1 in e.values() and "state" in e]
        self.assertEqual(states, [(1.0, "failed"), (2.0, "alive")])


if __name__ == "__main__":
    unittest.main()
