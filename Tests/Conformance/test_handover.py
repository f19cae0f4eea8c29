"""Fast handover (RFC 5949, RFC 5568): the previous MAG redirects, the new one holds, releases in order, and relays."""

import os
import random
import unittest

from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from mobility import wire
from replay import replay
from rows import TIME_TOLERANCE, Conformance, Row, drops, forwards
from world import *

MAG3 = "2001:db8:cc::1"
NEW = MAG.with_(local_addresses=[MAG2], router_addresses=[MAG2])
TO_NEW = {"local": MAG1, "remote": MAG2}
TO_OLD = {"local": MAG2, "remote": MAG1}


def at_new(prefix=HNP1, state="buffering", mac=MN1_MAC, port_name="access1", mn="mn1", peer=TO_OLD, **more):
    """A binding of the new MAG."""
    if peer:
        more["peer"] = peer
    return mag_binding(prefix, local=MAG2, remote=LMAA, port=port_name, mac=mac, mn=mn, state=state, **more)


def at_old(prefix=HNP1, state="redirecting", mac=MN1_MAC, port_name="access1", mn="mn1", peer=TO_NEW, **more):
    """A binding of the previous MAG."""
    if peer:
        more["peer"] = peer
    return at_mag(prefix, mac, port_name, mn, state=state, **more)


def becomes(at, *records):
    """Script lines: these records at this time."""
    return [{"at": at, "op": "set", **record} for record in records]


def old(identifier, title, steps, *, records, configuration=MAG, **more):
    """A row on the previous MAG, MAG1."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def new(identifier, title, steps, *, records, configuration=NEW, **more):
    """A row on the new MAG, MAG2."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def numbered(number, hops=64, destination=MN1):
    """One of a stream of packets that can be told apart."""
    return udp6(CN, destination, hops, payload=b"packet %06d" % number)


def numbered4(number, ttl=64):
    """The same to the IPv4 home address."""
    return udp4(CN4, HOA1, ttl, payload=b"packet %06d" % number, id=number)


def arrives(inner, source=MAG1, local=MAG2):
    """A tunnel packet on the transport link."""
    return from_lma(tunnel(source, local, inner))


def delivered(number, at, left=None, source=MAG1, make=numbered):
    """A packet of the stream that MN1 gets from the new MAG."""
    return forwards("transport", arrives(make(number), source), "access1", to_mn(make(number, 63)), at=at, left=left)


def lost(number, reason, at, source=MAG1, make=numbered):
    """A packet of the stream that ends at the new MAG."""
    return drops("transport", arrives(make(number), source), reason, at=at)


def uplink_at(local, remote, at=None):
    """MN1's packet leaves by this tunnel."""
    return forwards(
        "access1", from_mn(udp6(MN1, CN)), "transport", to_lma(tunnel(local, remote, udp6(MN1, CN, 63))), at=at
    )


def redirected(before, after, at=None, **outer):
    """The LMA's packet for MN1 goes on to the new MAG."""
    return forwards(
        "transport",
        from_lma(tunnel(LMAA, MAG1, before, **outer)),
        "transport",
        to_lma(tunnel(MAG1, MAG2, after)),
        at=at,
    )


MN2_HERE = at_mag(HNP2, MN2_MAC, "access2", "mn2")
# Whether the tunnel, the destination or the source is what is wrong with a packet is left open.
STRANGER = ("unknown-tunnel", "not-on-link", "source-not-bound")
LIMITED = {"per-mobile-node": 4, "total": 6, "timeout": "5s"}

REDIRECTING = [
    old(
        "R5949-2",
        "downlink goes to the new MAG and not to the access link",
        [
            redirected(udp6(CN, MN1), udp6(CN, MN1, 63)),
            redirected(udp6(CN, "2001:db8:100:1:5::5"), udp6(CN, "2001:db8:100:1:5::5", 63)),
            redirected(udp4(CN4, HOA1), udp4(CN4, HOA1, 63)),
        ],
        records=[at_old(), at_old(f"{HOA1}/32")],
        counters={f"tunnel.{MAG1}.{LMAA}.down.packets": 3, f"tunnel.{MAG1}.{MAG2}.down.packets": 3},
    ),
    old(
        "S-54",
        "both directions use the tunnel between the MAGs; others are served as before",
        [
            redirected(udp6(CN, MN1), udp6(CN, MN1, 63)),
            forwards(
                "transport",
                arrives(udp6(MN1, CN), MAG2, MAG1),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))),
            ),
            forwards("transport", arrives(udp6(CN, MN2), LMAA, MAG1), "access2", to_mn(udp6(CN, MN2, 63), MN2_MAC)),
        ],
        records=[at_old(), MN2_HERE],
    ),
    old(
        "R5949-3",
        "what the new MAG relays goes to the LMA with our own address as outer source",
        [
            forwards(
                "transport",
                arrives(before, MAG2, MAG1),
                "transport",
                to_lma(tunnel(MAG1, LMAA, after)),
            )
            for before, after in (
                (udp6(MN1, CN), udp6(MN1, CN, 63)),
                (udp6(MN1, MN2), udp6(MN1, MN2, 63)),
                (udp4(HOA1, CN4), udp4(HOA1, CN4, 63)),
            )
        ],
        records=[at_old(), at_old(f"{HOA1}/32")],
        counters={f"tunnel.{MAG1}.{LMAA}.up.packets": 3, f"tunnel.{MAG1}.{MAG2}.up.packets": 3},
    ),
    old(
        "S-54",
        "the mobile node may still be here: its uplink takes the tunnel of before",
        [uplink_at(MAG1, LMAA)],
        records=[at_old()],
    ),
    old(
        "R5949-10",
        "the new MAG may relay only for mobile nodes handed to it",
        [
            drops("transport", arrives(udp6(MN2, CN), MAG2, MAG1), *STRANGER),
            drops("transport", arrives(udp6(CN, MN1), MAG2, MAG1), *STRANGER),
            drops("transport", arrives(udp6("2001:db8:7::7", CN), MAG2, MAG1), *STRANGER),
            drops("transport", arrives(udp6(CN, MN2), MAG2, MAG1), *STRANGER),
            drops("transport", arrives(udp6(MN1, CN), MAG3, MAG1), "unknown-tunnel"),
        ],
        records=[at_old(), MN2_HERE],
    ),
    old(
        "R5949-10",
        "the new MAG of another mobile node is not this one's",
        [
            drops("transport", arrives(udp6(MN1, CN), MAG3, MAG1), *STRANGER),
            drops("transport", arrives(udp6(MN2, CN), MAG2, MAG1), *STRANGER),
            forwards(
                "transport",
                arrives(udp6(MN2, CN), MAG3, MAG1),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN2, CN, 63))),
            ),
        ],
        records=[
            at_old(),
            at_old(HNP2, mac=MN2_MAC, port_name="access2", mn="mn2", peer={"local": MAG1, "remote": MAG3}),
        ],
    ),
    old(
        "R5949-6",
        "the tunnel between the MAGs has its own hop limit and a congestion mark goes on in it",
        [
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1, tc=2), tc=3)),
                "transport",
                to_lma(tunnel(MAG1, MAG2, udp6(CN, MN1, 63, tc=3), 17, tc=3)),
            )
        ],
        records=[at_old(), {"tunnel": TO_NEW, "hopLimit": 17}],
    ),
    old(
        "R5949-6",
        "and its own MTU",
        [
            forwards(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1, payload=b"x" * (1300 - 48)))),
                "transport",
                to_lma(tunnel(MAG1, MAG2, udp6(CN, MN1, 63, payload=b"x" * (1300 - 48)))),
            ),
            drops(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1, payload=b"x" * (1301 - 48)))),
                "too-big",
                answerable=True,
            ),
        ],
        records=[at_old(), {"tunnel": TO_NEW, "mtu": 1300}],
    ),
    old(
        "R5568-2",
        "the previous MAG keeps no copies: the access link until it redirects, the new MAG from then on",
        [
            forwards("transport", arrives(udp6(CN, MN1), LMAA, MAG1), "access1", to_mn(udp6(CN, MN1, 63)), at=at)
            for at in (0, 0.9)
        ]
        + [redirected(udp6(CN, MN1), udp6(CN, MN1, 63), at=at) for at in (1.1, 2)],
        records=[at_old(state="active", peer=None)],
        script=becomes(1, at_old()),
        counters={"held": 0},
    ),
    old(
        "R5949-7",
        "forwarding ends with the state",
        [
            redirected(udp6(CN, MN1), udp6(CN, MN1, 63), at=0),
            forwards("transport", arrives(udp6(CN, MN1), LMAA, MAG1), "access1", to_mn(udp6(CN, MN1, 63)), at=2),
            drops("transport", arrives(udp6(MN1, CN), MAG2, MAG1), "unknown-tunnel", at=2.1),
        ],
        records=[at_old()],
        script=becomes(1, at_old(state="active", peer=None)),
    ),
    old(
        "S-60",
        "the inner packet loses its hop and nothing else",
        [
            redirected(inner(64), inner(63), hops=9)
            for inner in (
                lambda hops: IPv6(src=CN, dst=MN1, hlim=hops, fl=0xABCDE, tc=0)
                / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
                / Raw(b"d" * 33),
                lambda hops: IPv6(src=CN, dst=MN1, hlim=hops, nh=59) / Raw(b""),
            )
        ],
        records=[at_old()],
    ),
]

# 20 packets at 1,000 a second: five at once when released, then one each millisecond (RFC 5568 section 5.4).
STREAM = [delivered(n, 0.001 * n, 1.0 + 0.001 * max(0, n - 4)) for n in range(20)]

BUFFERING = [
    new(
        "S-55",
        "held until the mobile node is there, then all of them in their order",
        STREAM,
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
        events=[{"event": "flushed", "prefix": HNP1}],
    ),
    new(
        "R5568-1",
        "five at once, the others at the rate they came with",
        [delivered(n, 0.01 * n, 1.0 + 0.01 * max(0, n - 4)) for n in range(50)],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "R5568-1",
        "five and fewer at once",
        [delivered(n, 0.1 * n, 1.0) for n in range(5)] + [delivered(9, 1.5)],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "R5949-4",
        "a mobile node that is there gets its packets at once",
        [delivered(0, 0), delivered(1, 0.1), delivered(2, 0.2, make=numbered4)],
        records=[at_new(state="relaying"), at_new(f"{HOA1}/32", state="relaying")],
    ),
    new(
        "S-59",
        "what comes by both tunnels while held leaves in the order it came",
        [delivered(n, 0.001 * n, 1.0, source=MAG1 if n % 2 else LMAA) for n in range(5)],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "R5949-4",
        "uplink does not wait: it goes to the LMA",
        [uplink_at(MAG2, LMAA, 0), delivered(1, 0.5, 1.0), uplink_at(MAG2, LMAA, 0.9), uplink_at(MAG2, LMAA, 1.1)],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "S-60",
        "a packet that was held loses its hop and nothing else; a congestion mark of the tunnel stays with it",
        [
            forwards(
                "transport",
                from_lma(tunnel(MAG1, MAG2, udp6(CN, MN1, tc=2, fl=0x12345), tc=3)),
                "access1",
                to_mn(udp6(CN, MN1, 63, tc=3, fl=0x12345)),
                at=0,
                left=1.0,
            ),
            delivered(1, 0.1, 1.0, make=numbered4),
        ],
        records=[at_new(), at_new(f"{HOA1}/32")],
        script=becomes(1, at_new(state="flushing"), at_new(f"{HOA1}/32", state="flushing")),
    ),
    new(
        "S-60",
        "the last hop is used up, held or not",
        [
            drops("transport", arrives(udp6(CN, MN1, 1)), "hop-limit", at=0, answerable=True),
            delivered(1, 0.1, 1.0),
        ],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "R5949-10",
        "the new MAG accepts from the previous one only mobile nodes that come from there",
        [
            drops("transport", arrives(udp6(CN, MN2)), *STRANGER),
            drops("transport", arrives(udp6(CN, MN1), MAG3), *STRANGER),
            drops("transport", arrives(udp6(CN, "2001:db8:100:77::1")), *STRANGER),
            drops("transport", arrives(udp6(MN1, CN)), *STRANGER),
        ],
        records=[at_new(), at_new(HNP2, "active", MN2_MAC, "access2", "mn2", None)],
    ),
    new(
        "R5949-10",
        "a binding that says no peer takes nothing from one",
        [drops("transport", arrives(udp6(CN, MN1)), "unknown-tunnel"), delivered(1, 0.1, 1.0, source=LMAA)],
        records=[at_new(peer=None)],
        script=becomes(1, at_new(state="flushing", peer=None)),
    ),
]


def plain(number, hops, destination):
    """One of very many packets."""
    return wire.packet(CN if ":" in destination else CN4, destination, hops, b"packet %06d" % number)


def plain_arrival(number, destination=MN1, source=MAG1):
    """Its frame on the transport link."""
    packet = wire.encapsulated(source, MAG2, plain(number, 64, destination))
    return wire.frame(GATEWAY_MAC, MAG_TRANSPORT_MAC, packet)


def plain_delivery(number, destination=MN1, mac=MN1_MAC):
    """Its frame on the access link."""
    return wire.frame(MAG_MAC, mac, plain(number, 63, destination))


class Order(unittest.TestCase):
    """Packets that arrive during a release: behind those held, none twice, and the release ends."""

    def test_R5568_1_arrivals_during_the_release_wait_behind_it_and_it_ends(self):
        self.check(HNP1, MN1, 0.01)

    def test_S_59_a_fast_stream_stays_in_order(self):
        self.check(HNP1, MN1, 0.0005)

    def test_S_59_so_does_ipv4(self):
        self.check(f"{HOA1}/32", HOA1, 0.002)

    def test_S_56_relaying_before_the_registration_releases_in_the_same_order(self):
        self.check(HNP1, MN1, 0.005, "relaying")

    def test_S_59_random_arrivals(self):
        seed = int(os.environ.get("FASTPATH_SEED", random.SystemRandom().randrange(1 << 32)))
        for number in range(seed, seed + 20):
            with self.subTest(f"FASTPATH_SEED={number}"):
                self.scatter(random.Random(number))

    def test_R5949_1_arrivals_with_a_pause_are_released_whole_before_they_are_too_old(self):
        """Forty at once and one 3 s later: at their mean distance the last of the forty would wait for more than 5 s."""
        arrivals = [round(0.00002 * n, 6) for n in range(40)] + [3.0]
        packets = [("transport", at, plain_arrival(n)) for n, at in enumerate(arrivals)]
        result = replay(NEW, packets, records=[at_new()], script=becomes(3.1, at_new(state="flushing")))
        self.assertEqual([verdict["verdict"] for verdict in result.verdicts], ["tx"] * 41)
        self.assertEqual(result.frames["access1"], [plain_delivery(n) for n in range(41)])
        self.assertLess(result.times["access1"][-1], 5.0)
        # No second burst either.
        times = result.times["access1"]
        self.assertTrue(all(b - a > 0.02 for a, b in zip(times[4:], times[5:], strict=False)), times)

    def scatter(self, generator):
        """Bursts and pauses, by both tunnels, beside a mobile node that is served: in order, whole, never too early."""
        arrivals, now = [], 0.0
        for _ in range(200):
            now += generator.choice((0.00001, 0.0005, 0.003, 0.02)) * generator.random() + 0.000002
            arrivals.append(round(now, 6))
        begins = round(arrivals[generator.randrange(5, 150)] + 0.000001, 6)
        packets = [
            ("transport", at, plain_arrival(n, source=generator.choice((MAG1, LMAA)))) for n, at in enumerate(arrivals)
        ]
        packets += [("transport", at, plain_arrival(n, MN2, LMAA)) for n, at in enumerate(arrivals)]
        packets = [(port, at - arrivals[0], frame) for port, at, frame in packets]
        state = generator.choice(("flushing", "relaying"))
        result = replay(
            NEW,
            packets,
            records=[at_new(), at_new(HNP2, "active", MN2_MAC, "access2", "mn2", None)],
            script=becomes(begins - arrivals[0], at_new(state=state)),
        )
        self.assertEqual(result.frames["access1"], [plain_delivery(n) for n in range(200)])
        self.assertEqual(result.frames["access2"], [plain_delivery(n, MN2, MN2_MAC) for n in range(200)])
        for at, left, other in zip(arrivals, result.times["access1"], result.times["access2"], strict=True):
            self.assertGreaterEqual(left + arrivals[0], max(at, begins) - 1e-6)
            self.assertAlmostEqual(other + arrivals[0], at, delta=TIME_TOLERANCE)
        for left in result.times["access1"][:5]:
            self.assertAlmostEqual(left + arrivals[0], begins, delta=TIME_TOLERANCE)
        self.assertEqual(result.counters.get("held", 0), 0)

    def check(self, prefix, address, interval, state="flushing"):
        """20 packets held, then 400 more at the same pace; released at a moment between two of them."""
        begins = round(19.5 * interval, 6)
        packets = [("transport", round(interval * n, 6), plain_arrival(n, address)) for n in range(420)]
        result = replay(NEW, packets, records=[at_new(prefix)], script=becomes(begins, at_new(prefix, state=state)))
        frames, times = result.frames["access1"], result.times["access1"]
        self.assertEqual(frames, [plain_delivery(n, address) for n in range(420)])
        self.assertEqual([verdict["verdict"] for verdict in result.verdicts], ["tx"] * 420)
        for time in times[:5]:
            self.assertAlmostEqual(time, begins, delta=TIME_TOLERANCE)
        delays = [time - interval * number for number, time in enumerate(times)]
        # While anybody waits the pace is that of the arrivals or a little above, never another burst.
        waiting = [number for number in range(6, 420) if delays[number] > TIME_TOLERANCE]
        for number in waiting:
            gap = times[number] - times[number - 1]
            self.assertGreater(gap, 0.8 * interval, f"packet {number}")
            self.assertLess(gap, 1.01 * interval + TIME_TOLERANCE, f"packet {number}")
        # An eighth faster than the arrivals: 15 waiting ones are worked off within eight times as many.
        self.assertTrue(waiting, "nobody waited: the test says nothing")
        self.assertLess(max(waiting), 20 + 8 * 20, "the release does not end")
        self.assertEqual(result.counters.get("held", 0), 0)


LIMITS = [
    new(
        "R5568-3",
        "one mobile node's share is bounded, and the newest go; a mobile node that is served notices nothing",
        [delivered(n, 0.001 * n, 1.0) for n in range(4)]
        + [lost(n, "buffer-full", 0.001 * n) for n in (4, 5)]
        + [
            forwards(
                "transport",
                arrives(udp6(CN, MN2), LMAA),
                "access2",
                to_mn(udp6(CN, MN2, 63), MN2_MAC),
                at=0.5,
            )
        ],
        configuration=NEW.with_(buffers=LIMITED),
        records=[at_new(), at_new(HNP2, "active", MN2_MAC, "access2", "mn2", None)],
        script=becomes(1, at_new(state="flushing")),
        events=[{"event": "buffer-overflow", "prefix": HNP1}],
    ),
    new(
        "R5568-3",
        "the share is the mobile node's: all its prefixes have it together",
        [
            delivered(0, 0.000, 1.0),
            delivered(1, 0.001, 1.5, make=numbered4),
            delivered(2, 0.002, 1.0),
            delivered(3, 0.003, 1.5, make=numbered4),
            lost(4, "buffer-full", 0.004),
            lost(5, "buffer-full", 0.005, make=numbered4),
        ],
        configuration=NEW.with_(buffers=LIMITED),
        records=[at_new(), at_new(f"{HOA1}/32")],
        script=[
            *becomes(1, at_new(state="flushing")),
            *becomes(1.5, at_new(f"{HOA1}/32", state="flushing")),
        ],
    ),
    new(
        "R5568-3",
        "and all mobile nodes have a bound",
        [
            forwards(
                "transport",
                arrives(numbered(n, destination=MN2)),
                "access2",
                to_mn(numbered(n, 63, MN2), MN2_MAC),
                at=0.001 * n,
                left=1.0,
            )
            for n in range(4)
        ]
        + [delivered(n, 0.001 * n, 1.0) for n in (4, 5)]
        + [lost(n, "buffer-full", 0.001 * n) for n in (6, 7)],
        configuration=NEW.with_(buffers=LIMITED),
        records=[at_new(), at_new(HNP2, mac=MN2_MAC, port_name="access2", mn="mn2")],
        script=becomes(1, at_new(state="flushing"), at_new(HNP2, "flushing", MN2_MAC, "access2", "mn2")),
    ),
    new(
        "R5949-1",
        "the room is there again after a release",
        [delivered(n, 0.001 * n, 1.0) for n in range(4)]
        + [delivered(n, 3 + 0.001 * n, 4.0) for n in range(4, 8)]
        + [lost(8, "buffer-full", 3.5)],
        configuration=NEW.with_(buffers=LIMITED),
        records=[at_new()],
        script=[*becomes(1, at_new(state="flushing")), *becomes(2, at_new()), *becomes(4, at_new(state="flushing"))],
    ),
    new(
        "R5949-1",
        "256 packets of a mobile node by default",
        [delivered(n, 0.001 * n, 1.0 + 0.001 * max(0, n - 4)) for n in range(256)]
        + [lost(n, "buffer-full", 0.001 * n) for n in range(256, 260)],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing")),
    ),
    new(
        "R5949-5",
        "a packet is held as long as the configuration says",
        [lost(0, "buffer-timeout", 0), delivered(1, 1.1, 3), lost(2, "buffer-full", 1.2)],
        configuration=NEW.with_(buffers={"per-mobile-node": 2, "total": 6, "timeout": "2s"}),
        records=[at_new()],
        script=becomes(3, at_new(state="flushing")),
    ),
    new(
        "R5949-5",
        "five seconds by default",
        [lost(0, "buffer-timeout", 0), delivered(1, 0.2, 5.1)],
        records=[at_new()],
        script=becomes(5.1, at_new(state="flushing")),
    ),
]

GONE = {"at": 1, "op": "delete", "table": "pmip", "prefix": HNP1}
CANCELS = {
    "setting it active": becomes(1, at_new(state="active", peer=None)),
    "setting it pending": becomes(1, at_new(state="pending", peer=None)),
    "de-registering it": becomes(1, at_new(state="deregistering", peer=None)),
    "deleting it": [GONE],
}
ENDS = [
    new(
        "R5949-5",
        f"{name} cancels: nothing that was held leaves",
        [lost(n, "buffer-cancelled", 0.001 * n) for n in range(8)],
        records=[at_new()],
        script=script,
    )
    for name, script in CANCELS.items()
] + [
    new(
        "R5949-5",
        "every packet has one end: sent, too many, cancelled, too old",
        [
            lost(0, "buffer-cancelled", 0),
            lost(1, "buffer-cancelled", 0.01),
            lost(2, "buffer-timeout", 2),
            delivered(3, 5.5, 8),
            delivered(4, 5.51, 8),
            lost(5, "buffer-full", 5.52),
            lost(6, "buffer-full", 5.53),
        ],
        configuration=NEW.with_(buffers={"per-mobile-node": 2, "total": 6, "timeout": "3s"}),
        records=[at_new()],
        # Cancelled; held again until one is too old, two are sent.
        script=[
            *becomes(1, at_new(state="active", peer=None)),
            *becomes(1.5, at_new()),
            *becomes(8, at_new(state="flushing")),
        ],
        counters={"held": 0},
    ),
    new(
        "R5949-7",
        "after a release the previous MAG may still send what is under way, until the next word about the binding",
        [
            delivered(0, 0, 1.0),
            delivered(1, 2),
            delivered(2, 3, source=LMAA),
            drops("transport", arrives(numbered(3)), "unknown-tunnel", at=5),
            delivered(4, 6, source=LMAA),
        ],
        records=[at_new()],
        script=[*becomes(1, at_new(state="flushing")), *becomes(4, at_new(state="active", peer=None))],
    ),
    new(
        "R5949-7",
        "that word counts for its prefix, whatever waits for another prefix of the mobile node",
        [
            delivered(0, 0, 1.0),
            delivered(1, 0.1, 4.0, make=numbered4),
            delivered(2, 1.5),
            drops("transport", arrives(numbered(3)), "unknown-tunnel", at=2.5),
            delivered(4, 2.6, source=LMAA),
            delivered(5, 2.7, 4.0, make=numbered4),
        ],
        records=[at_new(), at_new(f"{HOA1}/32")],
        script=[
            *becomes(1, at_new(state="flushing")),
            *becomes(1.2, at_new(state="active", peer=None)),
            *becomes(2, at_new(state="active", peer=None)),
            *becomes(4, at_new(f"{HOA1}/32", state="flushing")),
        ],
    ),
    new(
        "R5949-7",
        "and while its own packets still leave: they do, and the previous MAG is a stranger",
        [delivered(n, 0.01 * n, 1.0 + 0.01 * max(0, n - 4)) for n in range(50)]
        + [drops("transport", arrives(numbered(60)), "unknown-tunnel", at=1.3), delivered(61, 3, source=LMAA)],
        records=[at_new()],
        script=[
            *becomes(1, at_new(state="flushing")),
            *becomes(1.1, at_new(state="active", peer=None)),
            *becomes(1.2, at_new(state="active", peer=None)),
        ],
    ),
    new(
        "R5949-7",
        "after a cancellation the previous MAG is a stranger",
        [
            lost(0, "buffer-cancelled", 0),
            drops("transport", arrives(numbered(1)), "unknown-tunnel", at=2),
            delivered(2, 2.1, source=LMAA),
        ],
        records=[at_new()],
        script=becomes(1, at_new(state="active", peer=None)),
    ),
    *(
        new(
            "R5949-5",
            f"the registration while packets still leave does not cancel {state}",
            [delivered(n, 0.01 * n, 1.0 + 0.01 * max(0, n - 4)) for n in range(50)] + [delivered(61, 3, source=LMAA)],
            records=[at_new()],
            script=[*becomes(1, at_new(state=state)), *becomes(1.2, at_new(state="active", peer=None))],
        )
        for state in ("flushing", "relaying")
    ),
    new(
        "S-59",
        "a mobile node that was expected and is handed on: what is held goes to the next MAG",
        [
            forwards(
                "transport",
                arrives(numbered(n)),
                "transport",
                to_lma(tunnel(MAG2, MAG3, numbered(n, 63))),
                at=0.001 * n,
                left=1.0,
            )
            for n in range(4)
        ],
        records=[at_new()],
        script=becomes(1, at_new(state="redirecting", peer={"local": MAG2, "remote": MAG3})),
    ),
    new(
        "S-59",
        "a binding whose access link is another by then takes its packets along",
        [
            forwards("transport", arrives(numbered(n)), "access2", to_mn(numbered(n, 63)), at=0.001 * n, left=1.0)
            for n in range(4)
        ],
        records=[at_new()],
        script=becomes(1, at_new(state="flushing", port_name="access2")),
    ),
]

RELAYING = [
    new(
        "S-56",
        "between attachment and registration uplink goes by the previous MAG",
        [
            uplink_at(MAG2, MAG1),
            forwards("access1", from_mn(udp4(HOA1, CN4)), "transport", to_lma(tunnel(MAG2, MAG1, udp4(HOA1, CN4, 63)))),
        ],
        records=[at_new(state="relaying"), at_new(f"{HOA1}/32", state="relaying")],
        counters={f"tunnel.{MAG2}.{MAG1}.up.packets": 2},
    ),
    new(
        "S-57",
        "reactive: both ways by the previous MAG, nothing is held",
        [uplink_at(MAG2, MAG1, 0), delivered(0, 0.1), delivered(1, 0.2, source=LMAA), uplink_at(MAG2, MAG1, 0.3)],
        records=[at_new(state="relaying")],
    ),
    new(
        "S-58",
        "one word and both directions are the LMA's",
        [
            uplink_at(MAG2, MAG1, 0),
            delivered(0, 0.6),
            uplink_at(MAG2, LMAA, 1.5),
            delivered(1, 1.6, source=LMAA),
            # What was under way by the previous MAG is still taken, until the next word about the binding.
            delivered(2, 1.7),
            drops("transport", arrives(numbered(3)), "unknown-tunnel", at=2.5),
            uplink_at(MAG2, LMAA, 2.6),
        ],
        records=[at_new(state="relaying")],
        script=[*becomes(1, at_new(state="active", peer=None)), *becomes(2, at_new(state="active", peer=None))],
    ),
    new(
        "R5949-8",
        "uplink waits for no neighbour discovery",
        [uplink_at(MAG2, MAG1)],
        records=[at_new(state="relaying")],
        configuration=NEW.with_(neighbors=[{"address": "2001:db8:e::1", "port": "transport", "mac": GATEWAY_MAC}]),
    ),
    new(
        "R5949-10",
        "relaying changes nothing of who may send what",
        [
            drops("access1", from_mn(udp6("2001:db8:100:77::1", CN)), "source-not-bound"),
            drops("access1", from_mn(udp6(MN1, CN), MN2_MAC), "not-on-link", "source-not-bound"),
            drops("transport", arrives(udp6(CN, MN1), MAG3), "unknown-tunnel"),
        ],
        records=[at_new(state="relaying"), at_new(HNP2, "active", MN2_MAC, "access1", "mn2", None)],
    ),
    new(
        "S-57",
        "reactive with what the previous MAG had still to send: relaying, then the LMA",
        [delivered(n, 0.01 * n) for n in range(10)] + [delivered(n, 1 + 0.01 * n, source=LMAA) for n in range(10)],
        records=[at_new(state="relaying")],
        script=becomes(0.5, at_new(state="active", peer=None)),
    ),
]


REFUSALS = [
    Row(
        "R5949-1",
        f"{state} is no state of an LMA's binding: refused, and the binding is as before",
        LMA,
        [
            forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63))), at=at)
            for at in (0, 2)
        ],
        LMA_RECORDS,
        becomes(1, lma_binding(HNP1, MAG2, local=LMAA, state=state, peer={"local": LMAA, "remote": MAG1})),
        events=[{"event": "refused", "field": "state"}],
    )
    for state in ("redirecting", "buffering", "flushing", "relaying")
]


class Redirecting(Conformance):
    """The previous MAG."""

    rows = REDIRECTING


class Buffering(Conformance):
    """The new MAG before the mobile node is there."""

    rows = BUFFERING


class Limits(Conformance):
    """How much and how long."""

    rows = LIMITS


class Ends(Conformance):
    """How holding ends."""

    rows = ENDS


class Relaying(Conformance):
    """The new MAG before its own registration, and after."""

    rows = RELAYING


class Refusals(Conformance):
    """What no binding can be."""

    rows = REFUSALS


if __name__ == "__main__":
    unittest.main()
