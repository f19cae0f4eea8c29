"""Dynamic Home Agent Address Discovery (RFC 6275 section 10.5): an option, off by default (REQUIREMENTS 1.N, 5)."""

import unittest

from scapy.layers.inet6 import ICMPv6HAADRequest, IPv6
from scapy.layers.l2 import Ether

from rows import Conformance, Row, forwards, punts
from world import *

ON = LMA.with_(home_agent_discovery=True)
ANYCAST = "2001:db8:100:1:fdff:ffff:ffff:fffe"


def request(source, destination=ANYCAST, hops=64):
    """A request for the home agents of a prefix."""
    return IPv6(src=source, dst=destination, hlim=hops) / ICMPv6HAADRequest(id=7)


def tunnelled(before, after):
    """Data: it goes to the mobile node."""
    return forwards("core", from_cn(before), "transport", to_mag(tunnel(LMAA, MAG1, after)))


ROWS = [
    Row(
        "S-71",
        "option off: a request is data like any other",
        LMA,
        [tunnelled(request(CN), request(CN, hops=63))],
        LMA_RECORDS,
    ),
    Row(
        "S-71",
        "option on: a request to the anycast address of a home prefix is the kernel's, from outside and from MN1",
        ON,
        [
            punts("core", from_cn(request(CN))),
            punts(
                "transport",
                from_mag(tunnel(MAG1, LMAA, request(MN1))),
                "inner-local",
                kernel=Ether(src=MAG1_MAC, dst=TRANSPORT_MAC) / request(MN1),
            ),
        ],
        LMA_RECORDS,
    ),
    Row(
        "S-71",
        "option on: nothing else is",
        ON,
        [
            tunnelled(udp6(CN, ANYCAST), udp6(CN, ANYCAST, 63)),
            tunnelled(request(CN, MN1), request(CN, MN1, 63)),
            tunnelled(udp4(CN4, HOA1), udp4(CN4, HOA1, 63)),
        ],
        LMA_RECORDS,
    ),
]


class Discovery(Conformance):
    """Requests of mobile nodes that look for a home agent."""

    rows = ROWS


if __name__ == "__main__":
    unittest.main()
