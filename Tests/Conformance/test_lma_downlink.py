"""LMA, from the core into the tunnel."""

import random
import unittest

from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH, ESP
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *


def down(inner_in, inner_out, remote=MAG1, mac=MAG1_MAC, **outer):
    """One packet from the core into a tunnel."""
    arrives, leaves = downlink(inner_in, inner_out, remote, mac, **outer)
    return forwards("core", arrives, "transport", leaves)


def both(make):
    """The packet with hop limit 64 and the same with 63."""
    return make(64), make(63)


def row(identifier, title, steps, *, configuration=LMA, records=LMA_RECORDS, **more):
    """A row on the LMA."""
    return Row(identifier, title, configuration, steps, list(records), **more)


TUNNEL1 = f"tunnel.{LMAA}.{MAG1}.down"

FORMAT = [
    row(
        "R5213-1",
        "64 octets of UDP: outer LMAA to Proxy-CoA, next header 41, hop limit 64",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63))],
        counters={f"{TUNNEL1}.packets": 1},
    ),
    row(
        "S-22",
        "a bound destination is encapsulated",
        [down(*both(lambda h: udp6("2001:db8:7::7", MN2, h)), MAG2, MAG2_MAC)],
    ),
    row(
        "S-17",
        "the IPv4 home address goes into the same tunnel, next header 4",
        [down(udp4(CN4, HOA1), udp4(CN4, HOA1, 63))],
    ),
    row(
        "S-40",
        "IPv4 to the home address, with TCP",
        [
            down(
                *both(
                    lambda h: IP(src=CN4, dst=HOA1, ttl=h, id=7)
                    / TCP(sport=80, dport=5000, flags="SA", seq=1)
                    / b"data"
                )
            )
        ],
    ),
    row(
        "S-23",
        "the outer source is the LMA address of the registration",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63), local=LMAA2)],
        records=[lma_binding(HNP1, MAG1, local=LMAA2)],
    ),
    row("R2473-4", "the outer hop limit does not follow the inner one", [down(udp6(CN, MN1, 2), udp6(CN, MN1, 1))]),
    row(
        "R2473-4",
        "a configured hop limit is honoured",
        [down(udp6(CN, MN1), udp6(CN, MN1, 63), hops=255)],
        configuration=LMA.with_(tunnel_defaults={"flow-label": "zero", "hop-limit": 255}),
    ),
    row(
        "R2473-1",
        "the hop limit falls by one at encapsulation, for every value that may pass",
        [down(udp6(CN, MN1, hops), udp6(CN, MN1, hops - 1)) for hops in (2, 3, 63, 64, 128, 254, 255)],
    ),
]

ADDRESSES = [
    row(
        "S-15",
        "every interface identifier of a prefix is tunnelled",
        [
            down(udp6(CN, f"2001:db8:100:1:{suffix}"), udp6(CN, f"2001:db8:100:1:{suffix}", 63))
            for suffix in ["0:0:0:1", "ffff:ffff:ffff:ffff"]
            + [
                ":".join(f"{random.Random(seed).getrandbits(16):x}" for seed in range(n, n + 4))
                for n in range(0, 40, 4)
            ]
        ],
    ),
    row(
        "S-16",
        "shared prefix: each address has its own MAG, an unbound one has none",
        [
            down(*both(lambda h: udp6(CN, MN3, h))),
            down(*both(lambda h: udp6(CN, MN4, h)), MAG2, MAG2_MAC),
            drops("core", from_cn(udp6(CN, "2001:db8:200::5")), "no-binding"),
        ],
    ),
    row(
        "S-26",
        "an unbound pool address never goes back to the default route",
        [
            drops("core", from_cn(udp6(CN, "2001:db8:100:9::1")), "no-binding"),
            drops("core", from_cn(udp4(CN4, "203.0.113.99")), "no-binding"),
        ],
    ),
    row(
        "S-26",
        "what is not anchored here is the kernel's",
        [
            punts("core", from_cn(udp6(CN, "2001:db8:7::1")), "not-ours"),
            punts("core", from_cn(udp4(CN4, "192.0.2.77")), "not-ours"),
        ],
    ),
]

UNCHANGED = {
    "ICMPv6 echo": lambda h: IPv6(src=CN, dst=MN1, hlim=h) / ICMPv6EchoRequest(id=1, seq=2, data=b"ping"),
    "TCP": lambda h: IPv6(src=CN, dst=MN1, hlim=h) / TCP(sport=1, dport=2, flags="S"),
    "no next header, no payload": lambda h: IPv6(src=CN, dst=MN1, hlim=h, nh=59, plen=0),
    "flow label and class": lambda h: udp6(CN, MN1, h, fl=0xABCDE),
    "routing header": lambda h: IPv6(src=CN, dst=MN1, hlim=h)
    / IPv6ExtHdrRouting(addresses=[MN2], segleft=0, nh=17)
    / Raw(b"u" * 16),
    "destination options": lambda h: IPv6(src=CN, dst=MN1, hlim=h)
    / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)], nh=253)
    / Raw(b"experiment"),
    "hop-by-hop options": lambda h: IPv6(src=CN, dst=MN1, hlim=h)
    / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)], nh=17)
    / Raw(b"u" * 16),
    "first fragment": lambda h: IPv6(src=CN, dst=MN1, hlim=h)
    / IPv6ExtHdrFragment(id=9, m=1, offset=0, nh=17)
    / Raw(b"f" * 64),
    "later fragment": lambda h: IPv6(src=CN, dst=MN1, hlim=h)
    / IPv6ExtHdrFragment(id=9, m=0, offset=8, nh=17)
    / Raw(b"g" * 13),
    "ESP": lambda h: IPv6(src=CN, dst=MN1, hlim=h) / ESP(spi=7, seq=8, data=b"e" * 40),
    "AH": lambda h: IPv6(src=CN, dst=MN1, hlim=h) / AH(spi=7, seq=8, icv=b"i" * 12, nh=17) / Raw(b"u" * 16),
    "unknown next header": lambda h: IPv6(src=CN, dst=MN1, hlim=h, nh=253) / Raw(b"x" * 33),
    "HIP": lambda h: IPv6(src=CN, dst=MN1, hlim=h, nh=139) / Raw(b"h" * 40),
    "IPv6 in IPv6": lambda h: IPv6(src=CN, dst=MN1, hlim=h) / udp6("2001:db8:77::1", "2001:db8:77::2"),
}
PASSING = [
    row(
        "S-39" if name in ("TCP", "flow label and class") else "R8200-4",
        f"forwarded unchanged: {name}",
        [down(*both(make))],
    )
    for name, make in UNCHANGED.items()
] + [
    row(
        "R791-2",
        "IPv4 options are carried untouched",
        [
            down(
                *both(
                    lambda t: IP(src=CN4, dst=HOA1, ttl=t, id=3, options=b"\x07\x27\x04" + b"\0" * 37) / Raw(b"o" * 9)
                )
            )
        ],
    ),
    row(
        "R791-2",
        "inner fragments are carried untouched",
        [
            down(*both(lambda t, f=f: IP(src=CN4, dst=HOA1, ttl=t, id=99, proto=17, **f) / Raw(b"p" * 64)))
            for f in ({"flags": "MF", "frag": 0}, {"flags": "MF", "frag": 8}, {"flags": 0, "frag": 16})
        ],
    ),
    row(
        "R791-2",
        "ICMP and don't-fragment pass",
        [down(*both(lambda t: IP(src=CN4, dst=HOA1, ttl=t, id=5, flags="DF") / ICMP(id=1, seq=1) / b"ping"))],
    ),
]


class Format(Conformance):
    """The outer header and the hop limits."""

    rows = FORMAT


class Addresses(Conformance):
    """Which destinations are tunnelled."""

    rows = ADDRESSES


class Passing(Conformance):
    """What is inside does not matter."""

    rows = PASSING


if __name__ == "__main__":
    unittest.main()
