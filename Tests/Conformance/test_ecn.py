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
# RFC 5213 section 5.6.3, after RFC 3168: only CE over a packet that understands it counts.
STRICT = {**EGRESS, (NOT, CE): NOT, (ECT0, ECT1): ECT0}
# The cells that RFC 6040 section 4.2 marks as unusual: each has a counter.
UNUSUAL = {(NOT, ECT0), (NOT, ECT1), (NOT, CE), (ECT1, ECT0), (CE, ECT1)}


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


def modes():
    """R6040-2, R6040-5: other modes, for the configuration or for one tunnel; at the exit the two cells that differ."""
    for family in (6, 4):
        codes = (NOT, ECT1, ECT0, CE)
        for mode, identifier in (("compatibility", "R6040-2"), ("rfc5213-strict", "R6040-5")):
            configured = LMA.with_(tunnel_defaults={"flow-label": "zero", "ecn": mode})
            chosen = [{"tunnel": {"local": LMAA, "remote": MAG1}, "ecn": mode}, *LMA_RECORDS]
            undone = [{"tunnel": {"local": LMAA, "remote": MAG1}, "ecn": "rfc6040"}, *LMA_RECORDS]
            for title, configuration, records, applies in (
                ("configured", configured, list(LMA_RECORDS), True),
                ("of one tunnel", LMA, chosen, True),
                ("configured, not of this tunnel", configured, undone, False),
            ):
                matrix = STRICT if applies and mode == "rfc5213-strict" else EGRESS
                steps = [down(family, code, NOT if applies and mode == "compatibility" else code) for code in codes]
                steps += [up(family, inside, outside, matrix[inside, outside]) for inside, outside in matrix]
                yield Row(identifier, f"{mode} {title}, IPv{family}", configuration, steps, records)
            yield Row(
                identifier,
                f"{mode} at the MAG, IPv{family}",
                MAG.with_(tunnel_defaults={"flow-label": "zero", "ecn": mode}),
                [
                    at_mag1(family, inside, outside, (STRICT if mode == "rfc5213-strict" else EGRESS)[inside, outside])
                    for inside, outside in EGRESS
                ],
                list(MAG_RECORDS),
            )


def down(family, code, outer):
    """From the CN into the tunnel: this outer code point."""
    packets = (inner(family, PEER, MN, hops, 46 << 2 | code) for hops in (64, 63))
    arrives, leaves = packets
    return forwards("core", from_cn(arrives), "transport", to_mag(tunnel(LMAA, MAG1, leaves, tc=46 << 2 | outer)))


def up(family, inside, outside, result, dscp=46, outer_dscp=8):
    """Out of the tunnel to the CN: this inner code point; `dscp` is what the inner packet leaves with."""
    arrives = from_mag(tunnel(MAG1, LMAA, inner(family, MN, PEER, 64, 46 << 2 | inside), tc=outer_dscp << 2 | outside))
    if result is None:
        return drops("transport", arrives, "ecn")
    return forwards("transport", arrives, "core", to_cn(inner(family, MN, PEER, 63, dscp << 2 | result)))


def at_mag1(family, inside, outside, result):
    """Out of the tunnel to MN1."""
    arrives = from_lma(tunnel(LMAA, MAG1, inner(family, PEER, MN, 64, 46 << 2 | inside), tc=8 << 2 | outside))
    if result is None:
        return drops("transport", arrives, "ecn")
    return forwards("transport", arrives, "access1", to_mn(inner(family, PEER, MN, 63, 46 << 2 | result)))


def models():
    """R2983-1: pipe keeps the inner DSCP at the exit, uniform takes the outer one; ECN goes its own way in both."""
    uniform = LMA.with_(tunnel_defaults={"flow-label": "zero", "dscp": "uniform"})
    chosen = [{"tunnel": {"local": LMAA, "remote": MAG1}, "dscp": "uniform"}, *LMA_RECORDS]
    for family in (6, 4):
        yield Row(
            "R2983-1",
            f"pipe: 46 rewritten to 0 on the way is 46 again, IPv{family}",
            LMA,
            [up(family, inside, outside, result, 46, 0) for (inside, outside), result in EGRESS.items()],
            list(LMA_RECORDS),
        )
        for title, configuration, records in (
            ("configured", uniform, list(LMA_RECORDS)),
            ("of one tunnel", LMA, chosen),
        ):
            yield Row(
                "R2983-1",
                f"uniform, {title}: 46 rewritten to 0 on the way stays 0, IPv{family}",
                configuration,
                [down(family, code, code) for code in (NOT, ECT1, ECT0, CE)]
                + [up(family, inside, outside, result, 0, 0) for (inside, outside), result in EGRESS.items()],
                records,
            )
        yield Row(
            "R2983-2",
            f"a configured DSCP of 0 leaves ECN alone, IPv{family}",
            LMA.with_(tunnel_defaults={"flow-label": "zero", "dscp": 0}),
            [
                forwards(
                    "core",
                    from_cn(inner(family, PEER, MN, 64, 46 << 2 | code)),
                    "transport",
                    to_mag(tunnel(LMAA, MAG1, inner(family, PEER, MN, 63, 46 << 2 | code), tc=code)),
                )
                for code in (NOT, ECT1, ECT0, CE)
            ],
            list(LMA_RECORDS),
        )


def cells():
    """R6040-4: a counter for each unusual cell, one packet each; the others have none."""
    for family in (6, 4):
        yield Row(
            "R6040-4",
            f"unusual cells are counted, IPv{family}",
            LMA,
            [up(family, inside, outside, result) for (inside, outside), result in EGRESS.items()],
            list(LMA_RECORDS),
            counters={f"ecn.{NAMES[i]}-{NAMES[o]}": int((i, o) in UNUSUAL) for i, o in EGRESS},
        )


class Ingress(Conformance):
    """Into the tunnel."""

    rows = list(ingress())


class Egress(Conformance):
    """Out of the tunnel."""

    rows = list(egress()) + list(transit()) + list(to_kernel())


class Modes(Conformance):
    """Compatibility mode, the strict profile, the models of RFC 2983, and what is counted."""

    rows = list(modes()) + list(models()) + list(cells())


if __name__ == "__main__":
    unittest.main()
