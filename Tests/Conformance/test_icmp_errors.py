"""ICMP errors of our own: what they say, where they come from, how they leave, and when there is none."""

import unittest

from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_Redirect,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    PadN,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from icmp import error4, error6, time_exceeded, too_big, unreachable
from rows import Conformance, Row, Step, answers, drops, forwards
from world import *

DEAD = "2001:db8:100:1::dead"
UNBOUND = "2001:db8:100:9::1"
SECOND, THIRD = "2001:db8:100:11::", "2001:db8:100:12::"
# The Subnet-Router anycast address of MN1's prefix (RFC 4291 section 2.6.1).
ANYCAST = "2001:db8:100:1::"
NOWHERE, NOWHERE4 = "2001:db8:7::7", "192.0.2.77"
DF1400 = udp4(HOA1, CN4, payload=b"L" * 1372, flags="DF")
NARROW = LMA.with_(
    ports=[
        port("core", "core", mac=CORE_MAC, mtu=1500),
        port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
    ]
)


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS, **more):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def to_cn6(message, about):
    """An error to CN."""
    return to_cn(error6(LMAA, CN, message, about))


def to_cn4(kind, code, about, **fields):
    """An error to CN's IPv4 address."""
    return to_cn(error4(LMA_ROUTER4, CN4, kind, code, about, **fields))


def to_mn1(error, **outer):
    """A packet of the LMA's own to MN1: through the binding, hop limit as it is (R4443-7)."""
    return to_mag(tunnel(LMAA, MAG1, error, **outer))


def up(inner):
    """An uplink frame at the LMA."""
    return from_mag(tunnel(MAG1, LMAA, inner))


TIME_EXCEEDED = [
    row(
        "R4443-3",
        "time exceeded at the LMA, downlink",
        [
            answers(
                "core", from_cn(udp6(CN, MN1, hops)), "hop-limit", "core", to_cn6(time_exceeded(), udp6(CN, MN1, hops))
            )
            for hops in (1, 0)
        ],
        counters={"originated.time-exceeded": 2},
    ),
    row(
        "R4443-7",
        "an error to a mobile node goes through its binding, hop limit untouched",
        [
            answers(
                "transport",
                up(udp6(MN1, CN, 1)),
                "hop-limit",
                "transport",
                to_mn1(error6(LMAA, MN1, time_exceeded(), udp6(MN1, CN, 1))),
            )
        ],
    ),
    row(
        "R4443-7",
        "the same for IPv4",
        [
            answers(
                "transport",
                up(udp4(HOA1, CN4, 1)),
                "hop-limit",
                "transport",
                to_mn1(error4(LMA_ROUTER4, HOA1, 11, 0, udp4(HOA1, CN4, 1)), tc=0xC0),
            )
        ],
    ),
    row(
        "R1812-1",
        "TTL used up is answered with ICMPv4 (11,0)",
        [answers("core", from_cn(udp4(CN4, HOA1, 1)), "hop-limit", "core", to_cn4(11, 0, udp4(CN4, HOA1, 1)))],
    ),
    row(
        "R4443-3",
        "time exceeded at the MAG: to its mobile node on the access link, to others by route",
        [
            answers(
                "access1",
                from_mn(udp6(MN1, CN, 1)),
                "hop-limit",
                "access1",
                to_mn(error6(MAG1, MN1, time_exceeded(), udp6(MN1, CN, 1))),
            ),
            answers(
                "transport",
                from_lma(tunnel(LMAA, MAG1, udp6(CN, MN1, 1))),
                "hop-limit",
                "transport",
                to_lma(error6(MAG1, CN, time_exceeded(), udp6(CN, MN1, 1))),
            ),
        ],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R4443-6",
        "without a router address of the family there is no error",
        [drops("access1", from_mn(udp4(HOA1, CN4, 1)), "hop-limit")],
        configuration=MAG,
        records=MAG_RECORDS,
        counters={"unanswered.not-answerable": 1},
    ),
]

QUOTES = [
    row(
        "R4443-1",
        "as much is quoted as 1280 octets hold",
        [
            answers("core", from_cn(packet), "hop-limit", "core", to_cn6(time_exceeded(), packet))
            for packet in (
                udp6(CN, MN1, 1, payload=b"q" * 52),
                udp6(CN, MN1, 1, payload=b"q" * 1184),
                udp6(CN, MN1, 1, payload=b"q" * 1185),
                udp6(CN, MN1, 1, payload=b"q" * 1452),
            )
        ],
    ),
    row(
        "R4443-2",
        "the checksum is right for odd and even sizes",
        [
            answers("core", from_cn(packet), "hop-limit", "core", to_cn6(time_exceeded(), packet))
            for packet in (udp6(CN, MN1, 1, payload=b"\xff" * size) for size in (0, 1, 2, 51, 52))
        ],
    ),
    row(
        "R1812-3",
        "an ICMPv4 error has at most 576 octets",
        [
            answers("core", from_cn(packet), "hop-limit", "core", to_cn4(11, 0, packet))
            for packet in (udp4(CN4, HOA1, 1, payload=b"q" * size) for size in (0, 1, 520, 521, 1472))
        ],
    ),
    row(
        "R4443-8",
        "an error's hop limit is 64, whatever that of its cause",
        [answers("core", from_cn(udp6(CN, MN1, 0)), "hop-limit", "core", to_cn6(time_exceeded(), udp6(CN, MN1, 0)))],
    ),
]

BIG6 = udp6(CN, MN1, payload=b"L" * 1413)
BIG4 = udp4(CN4, HOA1, payload=b"L" * 1433, flags="DF")
TOO_BIG = [
    row(
        "R2473-17",
        "too big for the tunnel and above 1280: Packet Too Big with the tunnel's MTU",
        [answers("core", from_cn(BIG6), "too-big", "core", to_cn6(too_big(1460), BIG6))],
        configuration=NARROW,
        counters={"originated.packet-too-big": 1},
    ),
    row(
        "R2473-17",
        "never less than 1280 is asked for",
        [
            answers("core", from_cn(packet), "too-big", "core", to_cn6(too_big(1280), packet))
            for packet in [udp6(CN, MN1, payload=b"L" * 1233)]
        ],
        records=LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1240}],
    ),
    row(
        "R2473-19",
        "IPv4 with DF: fragmentation needed, with the tunnel's MTU",
        [answers("core", from_cn(BIG4), "too-big", "core", to_cn4(3, 4, BIG4, nexthopmtu=1460))],
        configuration=NARROW,
    ),
    row(
        "R1191-1",
        "the next hop's MTU has no floor of 1280 for IPv4",
        [
            answers("core", from_cn(packet), "too-big", "core", to_cn4(3, 4, packet, nexthopmtu=1240))
            for packet in [udp4(CN4, HOA1, payload=b"L" * 1213, flags="DF")]
        ],
        records=LMA_RECORDS + [{"tunnel": {"local": LMAA, "remote": MAG1}, "mtu": 1240}],
    ),
    row(
        "R1191-1",
        "larger than the port behind the tunnel: with DF its sender is told, without DF nothing untrue is said",
        [
            answers(
                "transport",
                up(DF1400),
                "too-big",
                "transport",
                to_mn1(error4(LMA_ROUTER4, HOA1, 3, 4, DF1400, nexthopmtu=1300), tc=0xC0),
            ),
            drops("transport", up(udp4(HOA1, CN4, payload=b"L" * 1372)), "too-big"),
        ],
        configuration=LMA.with_(
            ports=[
                port("core", "core", mac=CORE_MAC, mtu=1300),
                port("transport", "transport", mac=TRANSPORT_MAC, mtu=1600),
            ]
        ),
        counters={"originated.packet-too-big": 1},
    ),
    row(
        "R2473-17",
        "at the MAG the mobile node is told",
        [
            answers(
                "access1",
                from_mn(packet),
                "too-big",
                "access1",
                to_mn(error6(MAG1, MN1, too_big(1400), packet)),
            )
            for packet in [udp6(MN1, CN, payload=b"L" * 1353)]
        ],
        configuration=MAG,
        records=MAG_RECORDS + [{"tunnel": {"local": MAG1, "remote": LMAA}, "mtu": 1400}],
    ),
]

UNREACHABLE = [
    row(
        "R4443-3",
        "no route: (1,0) and (3,0) to the mobile node",
        [
            answers(
                "transport",
                up(udp6(MN1, NOWHERE)),
                "no-route",
                "transport",
                to_mn1(error6(LMAA, MN1, unreachable(0), udp6(MN1, NOWHERE))),
            ),
            answers(
                "transport",
                up(udp4(HOA1, NOWHERE4)),
                "no-route",
                "transport",
                to_mn1(error4(LMA_ROUTER4, HOA1, 3, 0, udp4(HOA1, NOWHERE4)), tc=0xC0),
            ),
        ],
        configuration=LMA.with_(routes=[r for r in LMA.values["routes"] if r["port"] == "transport"]),
    ),
    row(
        "R4443-9",
        "a destination in the sender's own prefix: (1,3) at the LMA",
        [
            answers(
                "transport",
                up(udp6(MN1, DEAD)),
                "loop",
                "transport",
                to_mn1(error6(LMAA, MN1, unreachable(3), udp6(MN1, DEAD))),
            )
        ],
    ),
    row(
        "R4443-9",
        "a destination in the sender's own prefix: (1,3) at the MAG",
        [
            answers(
                "access1",
                from_mn(udp6(MN1, DEAD)),
                "loop",
                "access1",
                to_mn(error6(MAG1, MN1, unreachable(3), udp6(MN1, DEAD))),
            )
        ],
        configuration=MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R4443-9",
        "a destination in another prefix of the sender, local routing on: on that same link as well",
        [
            answers(
                "access1",
                from_mn(udp6(MN1, destination)),
                "loop",
                "access1",
                to_mn(error6(MAG1, MN1, unreachable(3), udp6(MN1, destination))),
            )
            for destination in (f"{SECOND}10", f"{SECOND}dead", "2001:db8:100:3ff::7")
        ]
        + [drops("access1", from_mn(udp4(HOA1, "203.0.113.70")), "loop")],
        configuration=MAG.with_(local_routing=True),
        records=[
            *MAG_RECORDS,
            at_mag(f"{SECOND}/64", MN1_MAC, "access1", "mn1"),
            at_mag("2001:db8:100:300::/56", MN1_MAC, "access1", "mn1"),
            at_mag("203.0.113.64/28", MN1_MAC, "access1", "mn1"),
        ],
    ),
    row(
        "R4443-9",
        "another mobile node on the same port, and the same address on another port or VLAN, are other links",
        [
            forwards("access1", from_mn(udp6(MN1, MN3)), "access1", to_mn(udp6(MN1, MN3, 63), MN3_MAC)),
            forwards(
                "access1", from_mn(udp6(MN1, f"{SECOND}10")), "access2", to_mn(udp6(MN1, f"{SECOND}10", 63), MN1_MAC)
            ),
            forwards(
                "access1",
                from_mn(udp6(MN1, f"{THIRD}10")),
                "access1",
                Ether(src=MAG_MAC, dst=MN1_MAC) / Dot1Q(vlan=7) / udp6(MN1, f"{THIRD}10", 63),
            ),
        ],
        configuration=MAG.with_(local_routing=True),
        records=[
            *MAG_RECORDS,
            at_mag(f"{SECOND}/64", MN1_MAC, "access2", "mn1b"),
            at_mag(f"{THIRD}/64", MN1_MAC, "access1", "mn1c", vlan=7),
        ],
    ),
    row(
        "R4443-3",
        "an unbound pool address is answered where that is configured",
        [
            answers(
                "core", from_cn(udp6(CN, UNBOUND)), "no-binding", "core", to_cn6(unreachable(0), udp6(CN, UNBOUND))
            ),
            answers(
                "core",
                from_cn(udp4(CN4, "203.0.113.99")),
                "no-binding",
                "core",
                to_cn4(3, 1, udp4(CN4, "203.0.113.99")),
            ),
            answers(
                "transport",
                up(udp6(MN1, UNBOUND)),
                "no-binding",
                "transport",
                to_mn1(error6(LMAA, MN1, unreachable(0), udp6(MN1, UNBOUND))),
            ),
        ],
        configuration=LMA.with_(unbound="unreachable"),
    ),
    row("S-26", "and silent where it is not", [drops("core", from_cn(udp6(CN, UNBOUND)), "no-binding")]),
]


def last_hop(*layers, source=CN, **fields):
    """A packet to MN1 whose hop limit ends here."""
    packet = IPv6(src=source, dst=MN1, hlim=1, **fields)
    for layer in layers:
        packet /= layer
    return packet


SILENT6 = {
    "an ICMPv6 error": last_hop(unreachable(0), Raw(bytes(udp6(MN1, CN)))),
    "an ICMPv6 error of an unknown type": last_hop(Raw(b"\x7f\0\0\0" + b"\0" * 36), nh=58),
    "a redirect, which only behind options is not the kernel's": last_hop(
        IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]), ICMPv6ND_Redirect(tgt=CN, dst=CN)
    ),
    "an ICMPv6 error behind options": last_hop(
        IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]), time_exceeded(), Raw(bytes(udp6(MN1, CN)))
    ),
    "a first fragment with an ICMPv6 error": last_hop(
        IPv6ExtHdrFragment(nh=58, id=7, m=1), Raw(bytes(unreachable(0) / Raw(bytes(udp6(MN1, CN))))[:48])
    ),
    "a later fragment of an ICMPv6 message": last_hop(IPv6ExtHdrFragment(nh=58, id=7, offset=6), Raw(b"\x80" * 40)),
    "an ICMPv6 message that ends before its type": last_hop(nh=58, plen=0),
}
SPEAKS6 = {
    "an echo request": last_hop(ICMPv6EchoRequest(id=1, seq=1)),
    "an echo reply": last_hop(ICMPv6EchoReply(id=1, seq=1)),
    "a later fragment of something else": last_hop(IPv6ExtHdrFragment(nh=17, id=7, offset=6), Raw(b"\x01" * 40)),
    "an unknown next header": last_hop(Raw(b"\x01" * 40), nh=253),
}
SILENT4 = {
    "an ICMP error": IP(src=CN4, dst=HOA1, ttl=1) / ICMP(type=3, code=1) / Raw(b"\0" * 28),
    "a redirect": IP(src=CN4, dst=HOA1, ttl=1) / ICMP(type=5, code=1) / Raw(b"\0" * 28),
    "a later fragment": udp4(CN4, HOA1, 1, frag=185),
}
SUPPRESSED = [
    row(
        "R4443-4",
        f"none about {what}",
        [drops("core", from_cn(packet), "hop-limit")],
        counters={"originated.time-exceeded": 0},
    )
    for what, packet in SILENT6.items()
]
SUPPRESSED += [
    row(
        "R4443-4",
        f"one about {what}",
        [answers("core", from_cn(packet), "hop-limit", "core", to_cn6(time_exceeded(), packet))],
    )
    for what, packet in SPEAKS6.items()
]
SUPPRESSED += [
    row(
        "R1812-2",
        f"none about {what}",
        [drops("core", from_cn(packet), "hop-limit")],
        counters={"unanswered.not-answerable": 1},
    )
    for what, packet in SILENT4.items()
]
SUPPRESSED += [
    row(
        "R4443-4",
        "none to a multicast, unspecified or own source",
        [
            drops("core", from_cn(last_hop(TCP(), source=source)), *reasons)
            for source, reasons in (
                ("ff0e::1", ("martian",)),
                ("::", ("martian",)),
                (LMAA, ("hop-limit",)),
            )
        ],
    ),
    row(
        "R4443-4",
        "none to an anycast source, at the LMA",
        [
            drops("transport", up(udp6(ANYCAST, CN, 1)), "hop-limit"),
            drops("transport", up(udp6(ANYCAST, DEAD)), "loop"),
            drops("transport", up(udp6(ANYCAST, MN2, 1)), "hop-limit"),
        ],
        counters={"originated.time-exceeded": 0, "unanswered.not-answerable": 3},
    ),
    row(
        "R4443-4",
        "none to an anycast source, at the MAG",
        [
            drops("access1", from_mn(udp6(ANYCAST, CN, 1)), "hop-limit", "source-not-bound"),
            drops("access1", from_mn(udp6(ANYCAST, DEAD)), "loop", "source-not-bound"),
            # A single address has no such address beside it.
            answers(
                "access1",
                from_mn(udp6(MN3, CN, 1), MN3_MAC),
                "hop-limit",
                "access1",
                to_mn(error6(MAG1, MN3, time_exceeded(), udp6(MN3, CN, 1)), MN3_MAC),
            ),
        ],
        configuration=MAG,
        records=MAG_RECORDS,
        counters={"originated.time-exceeded": 1},
    ),
    row(
        "R4443-4",
        "none about a packet to a group",
        [
            drops("transport", up(IPv6(src=MN1, dst=group, hlim=1) / TCP()), "martian")
            for group in ("ff0e::1", "ff05::1", "ff02::1")
        ],
        counters={"originated.time-exceeded": 0},
    ),
    row(
        "R1812-2",
        "none to an invalid source",
        [
            drops("core", from_cn(udp4(source, HOA1, 1)), "martian")
            for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1")
        ],
    ),
    row(
        "RX-5",
        "none about a packet in a broadcast frame",
        [Step("core", bytes(Ether(src=CN_MAC, dst="ff:ff:ff:ff:ff:ff") / udp6(CN, MN1, 1)), "kernel", ("other-mac",))],
    ),
]


def burst(packet, reason, answered, silent, start=0.0):
    """Equal packets in one moment, the first of which are answered."""
    error = {"hop-limit": time_exceeded(), "too-big": too_big(1460)}[reason]
    steps = [answers("core", from_cn(packet), reason, "core", to_cn6(error, packet), at=start) for _ in range(answered)]
    return steps + [drops("core", from_cn(packet), reason, at=start) for _ in range(silent)]


LAST = udp6(CN, MN1, 1)
RATES = [
    row(
        "R4443-5",
        "ten at once, then ten a second",
        burst(LAST, "hop-limit", 10, 90)
        + burst(LAST, "hop-limit", 1, 5, start=0.1)
        + burst(LAST, "hop-limit", 0, 1, start=0.15)
        + burst(LAST, "hop-limit", 5, 5, start=0.6)
        + burst(LAST, "hop-limit", 10, 5, start=60.0),
        counters={"originated.time-exceeded": 26, "unanswered.rate-limited": 106},
    ),
    row(
        "R4443-5",
        "rate and burst are configurable",
        burst(LAST, "hop-limit", 3, 2) + burst(LAST, "hop-limit", 2, 2, start=1.0),
        configuration=LMA.with_(icmp={"rate": 2, "burst": 3}),
    ),
    row(
        "R4443-5",
        "a rate of 0 sends none",
        burst(LAST, "hop-limit", 0, 2) + burst(LAST, "hop-limit", 0, 2, start=10.0),
        configuration=LMA.with_(icmp={"rate": 0, "burst": 0}),
    ),
    row(
        "R4443-5",
        "Packet Too Big has a bucket of its own",
        burst(LAST, "hop-limit", 10, 10) + burst(BIG6, "too-big", 10, 10, start=0.001),
        configuration=NARROW,
    ),
    row(
        "R4443-5",
        "both families share a bucket",
        burst(LAST, "hop-limit", 10, 1) + [drops("core", from_cn(udp4(CN4, HOA1, 1)), "hop-limit", at=0.001)],
    ),
]


class TimeExceeded(Conformance):
    """Hop limit and TTL."""

    rows = TIME_EXCEEDED


class Quotes(Conformance):
    """What an error carries."""

    rows = QUOTES


class TooBig(Conformance):
    """Packet Too Big and fragmentation needed."""

    rows = TOO_BIG


class Unreachable(Conformance):
    """Where there is no way."""

    rows = UNREACHABLE


class Suppressed(Conformance):
    """No error about errors."""

    rows = SUPPRESSED


class Rates(Conformance):
    """The token buckets."""

    rows = RATES


if __name__ == "__main__":
    unittest.main()
