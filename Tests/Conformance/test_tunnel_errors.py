"""ICMPv6 errors from inside a tunnel: what is passed on to the source of the packet inside, what is believed of a path."""

import unittest

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw

from icmp import error4, error6, parameter, time_exceeded, too_big, unreachable
from replay import EPOCH, replay
from rows import Conformance, Row, Step, answers, forwards, punts
from world import *

# A router between the LMA and the MAGs.
ROUTER = "2001:db8:ee::1"
NARROW = LMA.with_(
    ports=[
        port("core", "core", mac=CORE_MAC, mtu=1500),
        port("transport", "transport", mac=TRANSPORT_MAC, mtu=1500),
    ]
)
NARROW_MAG = MAG.with_(
    ports=[
        port("transport", "transport", mac=MAG_TRANSPORT_MAC, mtu=1500),
        port("access1", "access", mtu=1500, mac=MAG_MAC),
        port("access2", "access", mtu=1500, mac=MAG_MAC),
    ]
)
LIMIT_0 = bytes.fromhex("2900040100010100")
DOWN = udp6(CN, MN1, 63)
DOWN4 = udp4(CN4, HOA1, 63)


def row(identifier, title, steps, *, configuration=NARROW, records=LMA_RECORDS, **more):
    """A row on the LMA unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def inside(message, quoted, source=ROUTER, destination=LMAA):
    """An error of a router inside the tunnel, about a tunnel packet of the LMA."""
    return from_mag(error6(source, destination, message, quoted))


def sent(inner, remote=MAG1, local=LMAA):
    """A tunnel packet as the LMA has sent it."""
    return tunnel(local, remote, inner, 60)


def reports(frame, *out, at=None):
    """The kernel hears of the error, too; and these frames come of it."""
    return Step("transport", bytes(frame), "kernel", ("tunnel-error",), [(port, bytes(f)) for port, f in out], at=at)


RELAYED = [
    row(
        "R2473-22",
        "hop limit, unreachable and a used-up limit inside become (1,3)",
        [
            reports(inside(message, sent(DOWN)), ("core", to_cn(error6(LMAA, CN, unreachable(3), DOWN))))
            for message in (time_exceeded(), unreachable(0), unreachable(3), unreachable(4))
        ]
        + [
            reports(
                inside(parameter(44), IPv6(src=LMAA, dst=MAG1, nh=60, hlim=60) / Raw(LIMIT_0 + bytes(DOWN))),
                ("core", to_cn(error6(LMAA, CN, unreachable(3), DOWN))),
            )
        ],
        counters={"originated.relay": 5},
    ),
    row(
        "R2473-22",
        "what does not concern the source is not passed on",
        [
            reports(inside(time_exceeded(1), sent(DOWN))),
            reports(inside(parameter(40), sent(DOWN))),
            reports(inside(parameter(6, 1), sent(DOWN))),
        ]
        + [
            reports(inside(message, IPv6(src=LMAA, dst=MAG1, nh=60, hlim=60) / Raw(options + bytes(DOWN))))
            for message, options in (
                (parameter(43), LIMIT_0),
                (parameter(45), LIMIT_0),
                (parameter(44, 2), LIMIT_0),
                (parameter(44), bytes.fromhex("2900040101010100")),
            )
        ],
        counters={"originated.relay": 0},
    ),
    row(
        "R2473-22",
        "the quote of a long original is what the error had of it",
        [
            reports(
                inside(time_exceeded(), sent(packet)),
                ("core", to_cn(error6(LMAA, CN, unreachable(3), bytes(packet)[: 1280 - 48 - 40]))),
            )
            for packet in [udp6(CN, MN1, 63, payload=b"q" * 1300)]
        ],
    ),
    row(
        "R2473-23",
        "IPv4 originals: (3,1) from the LMA's IPv4 address, 576 octets at most",
        [
            reports(inside(message, sent(packet)), ("core", to_cn(error4(LMA_ROUTER4, CN4, 3, 1, packet))))
            for message in (time_exceeded(), unreachable(0))
            for packet in (DOWN4, udp4(CN4, HOA1, 63, payload=b"q" * 900))
        ],
    ),
    row(
        "R2473-26",
        "an original that is a tunnel packet of another entry goes back to that entry",
        [
            reports(inside(time_exceeded(), sent(nested)), ("core", to_cn(error6(LMAA, CN, unreachable(3), nested))))
            for nested in [tunnel(CN, MN1, udp6("2001:db8:77::1", "2001:db8:66::6"))]
        ],
    ),
    row(
        "R2473-29",
        "at the MAG the error goes to the mobile node",
        [
            Step(
                "transport",
                bytes(from_lma(error6(ROUTER, MAG1, unreachable(0), sent(udp6(MN1, CN, 63), LMAA, MAG1)))),
                "kernel",
                ("tunnel-error",),
                [("access1", bytes(to_mn(error6(MAG1, MN1, unreachable(3), udp6(MN1, CN, 63)))))],
            )
        ],
        configuration=NARROW_MAG,
        records=MAG_RECORDS,
    ),
    row(
        "R2473-29",
        "at the LMA the source of a packet between two mobile nodes is behind its own tunnel",
        [
            reports(
                inside(unreachable(0), sent(udp6(MN1, MN2, 62), MAG2)),
                ("transport", to_mag(tunnel(LMAA, MAG1, error6(LMAA, MN1, unreachable(3), udp6(MN1, MN2, 62))))),
            )
        ],
    ),
]

L1460 = udp6(CN, MN1, 63, payload=b"L" * 1412)
L1361 = udp6(CN, MN1, 64, payload=b"L" * 1313)
L1360 = udp6(CN, MN1, 64, payload=b"L" * 1312)
D1460 = udp4(CN4, HOA1, 63, payload=b"L" * 1432, flags="DF")


def passes(packet, out, **more):
    """A downlink packet that fits."""
    return forwards("core", from_cn(packet), "transport", to_mag(tunnel(LMAA, MAG1, out)), **more)


def refused(packet, mtu, at=None):
    """A downlink packet that does not, and says what would."""
    return answers("core", from_cn(packet), "too-big", "core", to_cn(error6(LMAA, CN, too_big(mtu), packet)), at=at)


def with_limit(hops, limit, size):
    """A packet of CN's with this tunnel encapsulation limit and so many octets behind the option."""
    option = bytes.fromhex("3b000401") + bytes([limit]) + bytes.fromhex("010100")
    return IPv6(src=CN, dst=MN1, hlim=hops, nh=60) / Raw(option + b"L" * size)


PATH = [
    row(
        "R2473-24",
        "Packet Too Big inside: passed on less the tunnel's header, and the tunnel takes less",
        [
            passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460),
            reports(
                inside(too_big(1400), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1360), bytes(L1460)[: 1280 - 48 - 40]))),
            ),
            refused(L1361, 1360),
            passes(L1360, udp6(CN, MN1, 63, payload=b"L" * 1312)),
        ],
    ),
    row(
        "R2473-25",
        "IPv4 with DF is told, without DF not",
        [
            reports(
                inside(too_big(1400), sent(D1460)),
                ("core", to_cn(error4(LMA_ROUTER4, CN4, 3, 4, D1460, nexthopmtu=1360))),
            ),
            reports(inside(too_big(1300), sent(udp4(CN4, HOA1, 63, payload=b"L" * 1432)))),
        ],
        counters={"originated.relay": 1},
    ),
    row(
        "R2473-24",
        "a packet of 1280 octets or less is not complained of",
        [reports(inside(too_big(1300), sent(udp6(CN, MN1, 63, payload=b"L" * 1232))))],
        counters={"originated.relay": 0},
    ),
    row(
        "R8201-1",
        "less than 1280 is no path",
        [
            reports(inside(too_big(1279), sent(L1460))),
            reports(inside(too_big(0), sent(L1460))),
            passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460),
        ],
        counters={"originated.relay": 0},
    ),
    row(
        "R8201-2",
        "the estimate never rises by a message",
        [
            reports(
                inside(too_big(1400), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1360), bytes(L1460)[: 1280 - 48 - 40]))),
            ),
            reports(
                inside(too_big(1450), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1410), bytes(L1460)[: 1280 - 48 - 40]))),
            ),
            refused(L1361, 1360),
        ],
    ),
    row(
        "R8201-3",
        "it is tried again after ten minutes, not before",
        [
            reports(
                inside(too_big(1400), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1360), bytes(L1460)[: 1280 - 48 - 40]))),
                at=0.0,
            ),
            refused(L1361, 1360, at=299.0),
            refused(L1361, 1360, at=599.9),
            passes(L1361, udp6(CN, MN1, 63, payload=b"L" * 1313), at=600.0),
            passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460, at=601.0),
        ],
    ),
    row(
        "R8201-5",
        "a path belongs to the tunnel, not to a mobile node",
        [
            reports(
                inside(too_big(1400), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1360), bytes(L1460)[: 1280 - 48 - 40]))),
            ),
            answers(
                "core",
                from_cn(udp6(CN, MN3, payload=b"L" * 1313)),
                "too-big",
                "core",
                to_cn(error6(LMAA, CN, too_big(1360), udp6(CN, MN3, payload=b"L" * 1313))),
            ),
            forwards(
                "core",
                from_cn(udp6(CN, MN2, payload=b"L" * 1313)),
                "transport",
                to_mag(tunnel(LMAA, MAG2, udp6(CN, MN2, 63, payload=b"L" * 1313)), MAG2_MAC),
            ),
        ],
    ),
    row(
        "R2473-16",
        "the tunnel's MTU is the path's less the headers",
        [
            passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460),
            refused(udp6(CN, MN1, 64, payload=b"L" * 1413), 1460),
        ],
    ),
    row(
        "R2473-16",
        "a path that has been learned: the option for a packet's own limit counts, too",
        [
            reports(
                inside(too_big(1400), sent(L1460)),
                ("core", to_cn(error6(LMAA, CN, too_big(1360), bytes(L1460)[: 1280 - 48 - 40]))),
            ),
            refused(with_limit(64, 3, 1305), 1352),
            forwards(
                "core",
                from_cn(with_limit(64, 3, 1304)),
                "transport",
                to_mag(
                    IPv6(src=LMAA, dst=MAG1, nh=60, hlim=64)
                    / Raw(bytes.fromhex("2900040102010100") + bytes(with_limit(63, 3, 1304)))
                ),
            ),
        ],
    ),
]


def forged(frame):
    """An error that must change nothing: neither a relay nor a path."""
    return [reports(frame), passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460)]


QUOTED = bytes(sent(L1460))
GOOD = bytes(error6(ROUTER, LMAA, too_big(1400), QUOTED))
VALIDITY = {
    "a wrong ICMPv6 checksum": raw_transport(patched(Raw(GOOD), 42, b"\xde\xad")),
    "an error that was sent to another of our addresses": inside(too_big(1400), sent(L1460), destination=LMAA2),
    "a quoted destination that is no tunnel's": inside(too_big(1400), sent(L1460, ROGUE)),
    "a quote that ends within the inner header": inside(too_big(1400), Raw(QUOTED[: 40 + 39])),
    "a quote that ends within an inner IPv4 header": inside(too_big(1400), Raw(bytes(sent(D1460))[: 40 + 19])),
    "a quote of a later fragment": inside(
        too_big(1400),
        IPv6(src=LMAA, dst=MAG1, hlim=60) / IPv6ExtHdrFragment(nh=41, offset=20, id=5) / Raw(bytes(L1460)),
    ),
    "an inner packet of the wrong version": inside(
        too_big(1400), IPv6(src=LMAA, dst=MAG1, nh=41, hlim=60) / Raw(b"\x45" + bytes(L1460)[1:])
    ),
}
INVALID = [row("R2473-27", f"{what} changes nothing", forged(frame)) for what, frame in VALIDITY.items()]
INVALID += [
    row(
        "R2473-27",
        f"{what} is not the worker's at all",
        [
            punts("transport", frame, "local"),
            passes(udp6(CN, MN1, 64, payload=b"L" * 1412), L1460),
        ],
    )
    for what, frame in {
        "a quoted source that is not ours": inside(too_big(1400), sent(L1460, MAG1, ROGUE)),
        "a quote of something else than a tunnel packet": inside(too_big(1400), IPv6(src=LMAA, dst=MAG1) / b"hello"),
    }.items()
]
INVALID += [
    row(
        "R2473-28",
        "an original that is itself an error is not answered",
        [
            reports(inside(unreachable(0), sent(packet)))
            for packet in (
                error6("2001:db8:77::1", MN1, time_exceeded(), udp6(MN1, CN)),
                IP(src=CN4, dst=HOA1) / ICMP(type=3, code=1) / Raw(b"\0" * 28),
                udp6("ff0e::1", MN1),
                udp6("::", MN1),
            )
        ],
        counters={"originated.relay": 0, "unanswered.not-answerable": 4},
    )
]


INVALID += [
    row("R8201-4", "a message about a packet that cannot have been ours is not believed", forged(frame))
    for frame in [inside(too_big(1400), sent(L1460, ROGUE))]
]


class Events(unittest.TestCase):
    """R5213-23: a change of a tunnel's MTU is reported."""

    def test_R5213_23_path_mtu_events(self):
        packets = [
            ("transport", at, bytes(inside(too_big(mtu), sent(L1460)))) for at, mtu in ((0.0, 1400), (1.0, 1300))
        ]
        # The clock runs on two minutes behind the last packet; this one brings it past ten.
        packets.append(("core", 700.0, bytes(from_cn(udp6(CN, MN1)))))
        events = replay(NARROW, packets, records=LMA_RECORDS).events
        seen = [(e["event"], float(e["at"]) - EPOCH, e["local"], e["remote"], e["mtu"]) for e in events]
        self.assertEqual(
            seen,
            [
                ("path-mtu", 0.0, LMAA, MAG1, 1360),
                ("path-mtu", 1.0, LMAA, MAG1, 1260),
                ("path-mtu", 601.0, LMAA, MAG1, 1460),
            ],
        )


class Relayed(Conformance):
    """Errors that are passed on."""

    rows = RELAYED


class Path(Conformance):
    """Path MTU."""

    rows = PATH


class Invalid(Conformance):
    """Errors that are not believed."""

    rows = INVALID


if __name__ == "__main__":
    unittest.main()
