"""LMA: home prefixes of every length, their boundaries, and prefixes inside prefixes."""

import unittest

from rows import Conformance, Row, drops, forwards
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


LENGTHS = {
    "2001:db8:301::/48": (
        "2001:db8:301::",
        "2001:db8:301:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:300:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:302::",
    ),
    "2001:db8:303:100::/56": (
        "2001:db8:303:100::",
        "2001:db8:303:1ff:ffff:ffff:ffff:ffff",
        "2001:db8:303:ff:ffff:ffff:ffff:ffff",
        "2001:db8:303:200::",
    ),
    "2001:db8:304:1::/64": (
        "2001:db8:304:1::",
        "2001:db8:304:1:ffff:ffff:ffff:ffff",
        "2001:db8:304:0:ffff:ffff:ffff:ffff",
        "2001:db8:304:2::",
    ),
    "2001:db8:305:1:2:3::/96": (
        "2001:db8:305:1:2:3::",
        "2001:db8:305:1:2:3:ffff:ffff",
        "2001:db8:305:1:2:2:ffff:ffff",
        "2001:db8:305:1:2:4::",
    ),
    "2001:db8:306::7/128": ("2001:db8:306::7", "2001:db8:306::7", "2001:db8:306::6", "2001:db8:306::8"),
}
LENGTH_RECORDS = [lma_binding(prefix, MAG1, local=LMAA, mn="router") for prefix in LENGTHS]
LENGTH_CONFIGURATION = LMA.with_(pools=["2001:db8:300::/40"])

LENGTH_ROWS = [
    row(
        "R5213-2",
        f"boundaries of {prefix}",
        [
            down(*both(lambda h, first=first: udp6(CN, first, h))),
            down(*both(lambda h, last=last: udp6(CN, last, h))),
            drops("core", from_cn(udp6(CN, below)), "no-binding"),
            drops("core", from_cn(udp6(CN, above)), "no-binding"),
        ],
        configuration=LENGTH_CONFIGURATION,
        records=LENGTH_RECORDS,
    )
    for prefix, (first, last, below, above) in LENGTHS.items()
] + [
    row(
        "R5213-2",
        "the longest of nested prefixes wins",
        [
            down(*both(lambda h: udp6(CN, "2001:db8:301:5:6::1", h))),
            down(*both(lambda h: udp6(CN, "2001:db8:301:5::1", h)), MAG2, MAG2_MAC),
            down(*both(lambda h: udp6(CN, "2001:db8:301:5:6:7::1", h))),
            down(*both(lambda h: udp6(CN, "2001:db8:301:6::1", h))),
        ],
        configuration=LENGTH_CONFIGURATION,
        records=[
            lma_binding("2001:db8:301::/48", MAG1, local=LMAA),
            lma_binding("2001:db8:301:5::/64", MAG2, local=LMAA),
            lma_binding("2001:db8:301:5:6::/80", MAG1, local=LMAA),
            lma_binding("2001:db8:301:5:6:7::/96", MAG1, local=LMAA),
        ],
    )
]


class PrefixLengths(Conformance):
    """Which binding an address meets."""

    rows = LENGTH_ROWS


if __name__ == "__main__":
    unittest.main()
