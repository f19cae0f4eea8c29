"""Hop limit and TTL at every place where a packet is forwarded: 0 and 1 end there, 2 passes.

Whether an ICMP error answers is another requirement (R4443-3, R1812-1): here one may come out, the packet itself may
not.
"""

import unittest

from rows import Conformance, Row, drops, forwards
from world import *

PLACES = {
    "LMA downlink": (
        LMA,
        LMA_RECORDS,
        "core",
        from_cn,
        "transport",
        {
            6: (CN, MN1, lambda p: to_mag(tunnel(LMAA, MAG1, p))),
            4: (CN4, HOA1, lambda p: to_mag(tunnel(LMAA, MAG1, p))),
        },
    ),
    "LMA after decapsulation": (
        LMA,
        LMA_RECORDS,
        "transport",
        lambda p: from_mag(tunnel(MAG1, LMAA, p)),
        "core",
        {6: (MN1, CN, to_cn), 4: (HOA1, CN4, to_cn)},
    ),
    "LMA from tunnel to tunnel": (
        LMA,
        LMA_RECORDS,
        "transport",
        lambda p: from_mag(tunnel(MAG1, LMAA, p)),
        "transport",
        {
            6: (MN1, MN2, lambda p: to_mag(tunnel(LMAA, MAG2, p), MAG2_MAC)),
            4: (HOA1, HOA2, lambda p: to_mag(tunnel(LMAA, MAG2, p), MAG2_MAC)),
        },
    ),
    "MAG uplink": (
        MAG,
        MAG_RECORDS,
        "access1",
        from_mn,
        "transport",
        {
            6: (MN1, CN, lambda p: to_lma(tunnel(MAG1, LMAA, p))),
            4: (HOA1, CN4, lambda p: to_lma(tunnel(MAG1, LMAA, p))),
        },
    ),
    "MAG downlink": (
        MAG,
        MAG_RECORDS,
        "transport",
        lambda p: from_lma(tunnel(LMAA, MAG1, p)),
        "access1",
        {6: (CN, MN1, to_mn), 4: (CN4, HOA1, to_mn)},
    ),
    "MAG local route": (
        MAG.with_(local_routing=True),
        MAG_RECORDS,
        "access1",
        from_mn,
        "access2",
        {6: (MN1, MN2, lambda p: to_mn(p, MN2_MAC)), 4: (HOA1, HOA2, lambda p: to_mn(p, MN2_MAC))},
    ),
}


def rows():
    """One row for each place and family."""
    for place, (configuration, records, in_port, arrive, out_port, families) in PLACES.items():
        for family, (source, destination, leave) in families.items():
            make = udp6 if family == 6 else udp4
            steps = [
                drops(in_port, arrive(make(source, destination, hops)), "hop-limit", answerable=True) for hops in (0, 1)
            ]
            steps += [
                forwards(
                    in_port,
                    arrive(make(source, destination, hops)),
                    out_port,
                    leave(make(source, destination, hops - 1)),
                )
                for hops in (2, 255)
            ]
            identifier = "R8200-1" if family == 6 else "R1812-1"
            yield Row(identifier, f"{place}, IPv{family}", configuration, steps, list(records))


class HopLimit(Conformance):
    """Every forwarding place."""

    rows = list(rows())


if __name__ == "__main__":
    unittest.main()
