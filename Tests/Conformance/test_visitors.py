"""Hosts without entitlement beside mobile nodes on one link (S-63 to S-65), and what they send to mobile nodes."""

import unittest

from scapy.layers.inet6 import IPv6

from rows import Conformance, Row, drops, forwards, punts
from world import *

VIS_MAC = "02:00:00:00:09:99"
HOME_AGENT = "2001:db8:77::1"
MN8, HNP8 = "2001:db8:100:8::1", "2001:db8:100:8::/64"
OFF, ON = MAG, MAG.with_(local_routing=True)
# The reason by which a routed visitor's packet reaches the kernel depends on who decides: steering or a worker.
NATIVE = ("visitor", "not-ours-any-more")


def row(identifier, title, steps, *, configuration=OFF, records=(), **more):
    """A row on MAG1 with the visitor prefix on access1."""
    records = [*MAG_RECORDS, {"visitor": VISITOR, "port": "access1"}, *records]
    return Row(identifier, title, configuration, steps, records, **more)


def native(inner, mac=VIS_MAC, port_name="access1", at=None):
    """A visitor's packet goes to the kernel as it is: routed natively, never tunnelled."""
    return punts(port_name, from_mn(inner, mac), *NATIVE, at=at)


def to_mn1(source=VIS, at=None):
    """A visitor's packet is delivered to MN1 on its link."""
    return forwards("access1", from_mn(udp6(source, MN1), VIS_MAC), "access1", to_mn(udp6(source, MN1, 63)), at=at)


VISITORS = (
    [
        row(
            "S-63",
            f"a visitor is routed natively, local routing {name}",
            [native(udp6(VIS, destination)) for destination in (CN, "2001:db8:7::7", LMAA, "2001:db8:aaaa::77")],
            configuration=configuration,
        )
        for name, configuration in (("off", OFF), ("on", ON))
    ]
    + [
        row(
            "S-64",
            f"mobile nodes and visitors alternate on one port, local routing {name}",
            [
                step
                for _ in range(3)
                for step in (
                    forwards(
                        "access1", from_mn(udp6(MN1, CN)), "transport", to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63)))
                    ),
                    native(udp6(VIS, CN)),
                )
            ],
            configuration=configuration,
        )
        for name, configuration in (("off", OFF), ("on", ON))
    ]
    + [
        row(
            "S-65",
            f"a visitor's own tunnel is plain data, local routing {name}",
            [
                native(IPv6(src=VIS, dst=HOME_AGENT) / udp6("2001:db8:9::9", CN)),
                native(IPv6(src=VIS, dst=HOME_AGENT) / udp6(MN1, CN)),
            ],
            configuration=configuration,
        )
        for name, configuration in (("off", OFF), ("on", ON))
    ]
    + [
        row(
            "S-63",
            "a prefix that is no visitors' any more",
            [native(udp6(VIS, CN), at=0), drops("access1", from_mn(udp6(VIS, CN), VIS_MAC), "source-not-bound", at=2)],
            script=[{"at": 1, "op": "delete", "visitor": VISITOR}],
        ),
        row(
            "R5213-24",
            "who has no entitlement gets no tunnel by taking a mobile node's source",
            [drops("access1", from_mn(udp6(MN1, CN), VIS_MAC), "not-on-link", "source-not-bound")],
        ),
    ]
)

LOCAL = [
    row(
        "R5213-18",
        "flag off: a visitor's packet to a mobile node of this MAG is routed towards the LMA, not delivered",
        [native(udp6(VIS, MN1)), native(udp6(VIS, MN2))],
    ),
    row(
        "R5213-18",
        "flag on: it is delivered on the mobile node's link",
        [
            to_mn1(),
            forwards("access1", from_mn(udp6(VIS, MN2), VIS_MAC), "access2", to_mn(udp6(VIS, MN2, 63), MN2_MAC)),
            to_mn1("2001:db8:aaaa::1:2"),
        ],
        configuration=ON,
    ),
    row(
        "R5213-18",
        "flag on: to anyone else it is routed natively",
        [native(udp6(VIS, "2001:db8:100:9::1")), native(udp6(VIS, CN)), native(udp6(VIS, "2001:db8:aaaa::9a"))],
        configuration=ON,
    ),
    row(
        "R5213-18",
        "flag off, and on for one mobile node: that one is delivered to",
        [
            native(udp6(VIS, MN2)),
            forwards("access1", from_mn(udp6(VIS, MN8), VIS_MAC), "access2", to_mn(udp6(VIS, MN8, 63), MN2_MAC)),
            native(udp6(VIS, CN)),
        ],
        records=[at_mag(HNP8, MN2_MAC, "access2", "mn8", localRouting=True)],
    ),
    row(
        "R5213-18",
        "flag on, and off for one mobile node: that one is not",
        [to_mn1(), native(udp6(VIS, MN8))],
        configuration=ON,
        records=[at_mag(HNP8, MN2_MAC, "access2", "mn8", localRouting=False)],
    ),
    row(
        "R5213-18",
        "flag on: a mobile node whose binding is not active gets nothing by a short cut",
        [native(udp6(VIS, MN8))],
        configuration=ON,
        records=[at_mag(HNP8, MN2_MAC, "access2", "mn8", state="pending")],
    ),
    *(
        row(
            "RSPOOF-1",
            f"a visitor's source from another link than its prefix is of, local routing {name}",
            [
                drops("access2", from_mn(udp6(VIS, destination), VIS_MAC), "not-on-link")
                for destination in (MN1, CN, "2001:db8:aaaa::77")
            ]
            + [native(udp6(VIS, CN))],
            configuration=configuration,
        )
        for name, configuration in (("off", OFF), ("on", ON))
    ),
    row(
        "RSPOOF-1",
        "a visitor prefix that moves to another port is of that one at once",
        [
            native(udp6(VIS, CN), at=0),
            drops("access2", from_mn(udp6(VIS, CN), VIS_MAC), "not-on-link", at=0.1),
            native(udp6(VIS, CN), port_name="access2", at=2),
            drops("access1", from_mn(udp6(VIS, CN), VIS_MAC), "not-on-link", at=2.1),
        ],
        script=[{"at": 1, "op": "set", "visitor": VISITOR, "port": "access2"}],
    ),
    row(
        "R5213-18",
        "flag on: a mobile node's packet to a visitor of this MAG is routed natively, off: tunnelled",
        [punts("access1", from_mn(udp6(MN1, VIS)))],
        configuration=ON,
    ),
    row(
        "R5213-18",
        "flag off: a mobile node's packet to a visitor goes to the LMA",
        [forwards("access1", from_mn(udp6(MN1, VIS)), "transport", to_lma(tunnel(MAG1, LMAA, udp6(MN1, VIS, 63))))],
    ),
    # CONTRACT: an inner destination that is a visitor behind the tunnel is dropped.
    row(
        "R5213-14",
        "a visitor is not reached by the tunnel",
        [drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, VIS))), "not-on-link")],
    ),
    row(
        "R5213-14",
        "nor with the flag on",
        [drops("transport", from_lma(tunnel(LMAA, MAG1, udp6(CN, VIS))), "not-on-link")],
        configuration=ON,
    ),
]


class Visitors(Conformance):
    """Ordinary hosts."""

    rows = VISITORS


class Local(Conformance):
    """Ordinary hosts and mobile nodes of one MAG."""

    rows = LOCAL


if __name__ == "__main__":
    unittest.main()
