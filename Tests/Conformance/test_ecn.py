"""ECN (RFC 6040) and DSCP (RFC 2983) at both ends of the tunnel, IPv6 and IPv4 inside."""

import unittest

from scapy.layers.l2 import Ether

from rows import Conformance, Row, drops, forwards, punts
from world import *

NOT, ECT1, ECT0, CE = 0, 1, 2, 3
NAMES = {NOT: "00", ECT0: "10", ECT1: "01", CE: "11"}
# RFC 6040 section 4.2, figure 4: (inner, outer) → inner after decapsulation; None is the one cell that drops.
EGRESS = {
    (NOT, NOT): NOT,
    (NOT, ECT0): NOT,
    (NOT, ECT1): NOT,
    (NOT, CE): None,
    (ECT0, NOT): ECT0,
    (ECT0, ECT0): ECT0,
    (ECT0, ECT1): ECT1,
    (ECT0, CE): CE,
    (ECT1, NOT): ECT1,
    (ECT1, ECT0): ECT1,
    (ECT1, ECT1): ECT1,
    (ECT1, CE): CE,
    (CE, NOT): CE,
    (CE, ECT0): CE,
    (CE, ECT1): CE,
    (CE, CE): CE,
}


def inner(family, source, destination, hops, octet):
    """An inner packet with this traffic class, or type of service."""
    if family == 6:
        return udp6(source[0], destination[0], hops, tc=octet)
    return udp4(source[1], destination[1], hops, tos=octet)


MN, PEER, OTHER = (MN1, HOA1), (CN, CN4), (MN2, HOA2)


def ingress():
    """R6040-1: the outer field is the inner one, at the LMA and at the MAG; so is the DSCP."""
    for family in (6, 4):
        octets = [dscp << 2 | ecn for dscp in (0, 46, 63) for ecn in (NOT, ECT1, ECT0, CE)]
        yield Row(
            "R6040-1",
            f"LMA encapsulates, IPv{family}: class octet copied",
            LMA,
            [
                forwards(
                    "core",
                    from_cn(inner(family, PEER, MN, 64, octet)),
                    "transport",
                    to_mag(tunnel(LMAA, MAG1, inner(family, PEER, MN, 63, octet), tc=octet)),
                )
                for octet in octets
            ],
            list(LMA_RECORDS),
        )
        yield Row(
            "R6040-1",
            f"MAG encapsulates, IPv{family}: class octet copied",
            MAG,
            [
                forwards(
                    "access1",
                    from_mn(inner(family, MN, PEER, 64, octet)),
                    "transport",
                    to_lma(tunnel(MAG1, LMAA, inner(family, MN, PEER, 63, octet), tc=octet)),
                )
                for octet in octets
            ],
            list(MAG_RECORDS),
        )
        yield Row(
            "R2983-1",
            f"a configured DSCP, IPv{family}: inner kept, ECN copied",
            LMA.with_(tunnel_defaults={"flow-label": "zero", "dscp": 10}),
            [
                forwards(
                    "core",
                    from_cn(inner(family, PEER, MN, 64, 46 << 2 | ecn)),
                    "transport",
                    to_mag(tunnel(LMAA, MAG1, inner(family, PEER, MN, 63, 46 << 2 | ecn), tc=10 << 2 | ecn)),
                )
                for ecn in (NOT, ECT1, ECT0, CE)
            ],
            list(LMA_RECORDS),
        )


def egress():
    """R6040-3: all sixteen cells, at the LMA and at the MAG."""
    for (inside, outside), result in EGRESS.items():
        for family in (6, 4):
            # The DSCP of the inner packet stays, whatever the outer one has become on its way (RFC 2983, pipe).
            before, outer, after = 46 << 2 | inside, 8 << 2 | outside, None if result is None else 46 << 2 | result
            title = f"inner {NAMES[inside]}, outer {NAMES[outside]}, IPv{family}"
            arrives = from_mag(tunnel(MAG1, LMAA, inner(family, MN, PEER, 64, before), tc=outer))
            at_lma = (
                drops("transport", arrives, "ecn")
                if result is None
                else forwards("transport", arrives, "core", to_cn(inner(family, MN, PEER, 63, after)))
            )
            yield Row("R6040-3", f"LMA, {title}", LMA, [at_lma], list(LMA_RECORDS))
            arrives = from_lma(tunnel(LMAA, MAG1, inner(family, PEER, MN, 64, before), tc=outer))
            at_mag1 = (
                drops("transport", arrives, "ecn")
                if result is None
                else forwards("transport", arrives, "access1", to_mn(inner(family, PEER, MN, 63, after)))
            )
            yield Row("R6040-3", f"MAG, {title}", MAG, [at_mag1], list(MAG_RECORDS))


def transit():
    """Tunnel to tunnel: decapsulation, then encapsulation. What the first finds out, both headers carry on."""
    for family in (6, 4):
        steps = []
        for (inside, outside), result in EGRESS.items():
            before, outer = 46 << 2 | inside, 8 << 2 | outside
            arrives = from_mag(tunnel(MAG1, LMAA, inner(family, MN, OTHER, 64, before), tc=outer))
            if result is None:
                steps.append(drops("transport", arrives, "ecn"))
            else:
                after = 46 << 2 | result
                leaves = to_mag(tunnel(LMAA, MAG2, inner(family, MN, OTHER, 63, after), tc=after), MAG2_MAC)
                steps.append(forwards("transport", arrives, "transport", leaves))
        yield Row("R6040-3", f"LMA from tunnel to tunnel, all cells, IPv{family}", LMA, steps, list(LMA_RECORDS))


def to_kernel():
    """An inner packet for one of our addresses: decapsulated like any other, whoever reads it afterwards."""
    local = {LMAA: (LMAA, LMA_ROUTER4), MAG1: (MAG1,)}
    for name, configuration, records, frames, macs, tunnel_ends, source, families in (
        ("LMA", LMA, LMA_RECORDS, from_mag, (MAG1_MAC, TRANSPORT_MAC), (MAG1, LMAA), MN, (6, 4)),
        ("MAG", MAG, MAG_RECORDS, from_lma, (GATEWAY_MAC, MAG_TRANSPORT_MAC), (LMAA, MAG1), PEER, (6,)),
    ):
        for family in families:
            steps = []
            for (inside, outside), result in EGRESS.items():
                before, outer = 46 << 2 | inside, 8 << 2 | outside
                destination = local[tunnel_ends[1]]
                arrives = frames(tunnel(*tunnel_ends, inner(family, source, destination, 64, before), tc=outer))
                if result is None:
                    steps.append(drops("transport", arrives, "ecn"))
                else:
                    surfaced = inner(family, source, destination, 64, 46 << 2 | result)
                    shown = Ether(src=macs[0], dst=macs[1]) / surfaced
                    steps.append(punts("transport", arrives, "inner-local", kernel=shown))
            yield Row(
                "R6040-3", f"{name} to its own kernel, all cells, IPv{family}", configuration, steps, list(records)
            )


class Ingress(Conformance):
    """Into the tunnel."""

    rows = list(ingress())


class Egress(Conformance):
    """Out of the tunnel."""

    rows = list(egress()) + list(transit()) + list(to_kernel())


if __name__ == "__main__":
    unittest.main()
