"""The decision table of section 2.15, line by line: what each check lets through, and what it stops without a word.

Lines that need GRE keys are not here.
"""

import unittest

from scapy.layers.l2 import Dot1Q, Ether

from rows import Conformance, Row, drops, forwards, punts
from world import *

VIS_MAC = "02:00:00:00:09:99"
NEW = MAG.with_(local_addresses=[MAG2], router_addresses=[MAG2])
ON = MAG.with_(local_routing=True)
MAG3 = "2001:db8:cc::1"
DMNP, LFN, BEYOND = "2001:db8:100:300::/56", "2001:db8:100:301::5", "2001:db8:100:400::5"
DMNP4, LFN4, BEYOND4 = "203.0.113.64/28", "203.0.113.79", "203.0.113.80"
HNP5, MN5 = "2001:db8:100:5::/64", "2001:db8:100:5::50"
# Whether the tunnel, the destination or the source is what is wrong with a packet is left open.
STRANGER = ("unknown-tunnel", "not-on-link", "source-not-bound")
# Inner sources that no mobile node here has: another prefix of the pools, beside a shared prefix, abroad, private.
FOREIGN = ("2001:db8:100:77::1", "2001:db8:200::5", "2001:db8:7::7", "fd00::1")
FOREIGN4 = ("203.0.113.11", "203.0.113.9", "198.51.100.7", "10.0.0.1")


def lma(title, steps, records=(), **more):
    """A row on the LMA."""
    return Row("RSPOOF-1", title, LMA, steps, [*LMA_RECORDS, *records], **more)


def mag(title, steps, records=(), configuration=MAG, **more):
    """A row on a MAG."""
    return Row("RSPOOF-1", title, configuration, steps, [*MAG_RECORDS, *records], **more)


def up(inner_in, inner_out, remote=MAG1):
    """Out of a tunnel to the core."""
    return forwards("transport", from_mag(tunnel(remote, LMAA, inner_in)), "core", to_cn(inner_out))


def no_way_up(inner, *reasons, remote=MAG1, local=LMAA):
    """A tunnel packet that ends at the LMA; nothing leaves by any port."""
    return drops("transport", from_mag(tunnel(remote, local, inner)), *(reasons or ("source-not-bound",)))


def down(inner_in, inner_out, mac=MN1_MAC, port_name="access1", remote=LMAA, local=MAG1):
    """Out of a tunnel to an access link."""
    return forwards("transport", from_lma(tunnel(remote, local, inner_in)), port_name, to_mn(inner_out, mac))


def no_way_down(inner, *reasons, remote=LMAA, local=MAG1):
    """A tunnel packet that ends at the MAG."""
    return drops("transport", from_lma(tunnel(remote, local, inner)), *reasons)


def out(inner_in, inner_out, mac=MN1_MAC, port_name="access1", remote=LMAA):
    """From the access link into a tunnel."""
    return forwards(port_name, from_mn(inner_in, mac), "transport", to_lma(tunnel(MAG1, remote, inner_out)))


def no_way_out(inner, *reasons, mac=MN1_MAC, port_name="access1"):
    """A packet of the access link that ends at the MAG."""
    return drops(port_name, from_mn(inner, mac), *(reasons or ("source-not-bound",)))


PREFIXES = [lma_binding(DMNP, MAG1, local=LMAA, mn="mn1"), lma_binding(DMNP4, MAG1, local=LMAA, mn="mn1")]
ANCHOR = [
    lma(
        "LMA, from a MAG: home prefix, shared-prefix address, home address, delegated prefixes",
        [up(udp6(source, CN), udp6(source, CN, 63)) for source in (MN1, "2001:db8:100:1:f::1", MN3, LFN)]
        + [up(udp4(source, CN4), udp4(source, CN4, 63)) for source in (HOA1, LFN4)],
        PREFIXES,
    ),
    lma(
        "LMA, from a MAG: sources that are bound to nobody",
        [no_way_up(udp6(source, CN)) for source in (*FOREIGN, BEYOND)]
        + [no_way_up(udp4(source, CN4)) for source in (*FOREIGN4, BEYOND4)],
        PREFIXES,
    ),
    lma(
        "LMA, from a MAG: sources that are bound to another",
        [no_way_up(udp6(source, CN)) for source in (MN2, MN4)] + [no_way_up(udp4(HOA2, CN4))],
    ),
    lma(
        "LMA, from a MAG: an outer pair that is no tunnel, whatever is inside",
        [
            no_way_up(inner, "unknown-tunnel", remote=remote, local=local)
            for inner in (udp6(MN1, CN), udp4(HOA1, CN4))
            for remote, local in ((ROGUE, LMAA), (MAG1, LMAA2), (MAG3, LMAA))
        ],
    ),
    lma(
        "LMA, from a care-of address: the home address exactly, a prefix with the mobile router flag",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63), MIP_COA),
            up(udp6("2001:db8:100:4f::1", CN), udp6("2001:db8:100:4f::1", CN, 63), MIP_COA),
        ],
        [
            lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip"),
            lma_binding("2001:db8:100:40::/60", MIP_COA, local=LMAA, table="mip"),
        ],
    ),
    lma(
        "LMA, from a care-of address: an address beside it, another care-of address",
        [
            no_way_up(udp6("2001:db8:100:1::11", CN), remote=MIP_COA),
            no_way_up(udp6("2001:db8:100:50::1", CN), remote=MIP_COA),
            no_way_up(udp6(MN2, CN), remote=MIP_COA),
            no_way_up(udp6(MN1, CN), "unknown-tunnel", remote="2001:db8:f::e"),
        ],
        [
            lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip"),
            lma_binding("2001:db8:100:40::/60", MIP_COA, local=LMAA, table="mip"),
        ],
    ),
    lma(
        "LMA, bound in both tables: by either's tunnel, and by no other",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63), MIP_COA),
            up(udp6(MN1, CN), udp6(MN1, CN, 63), MAG1),
            no_way_up(udp6(MN1, CN), remote=MAG2),
        ],
        [lma_binding(f"{MN1}/128", MIP_COA, local=LMAA, table="mip")],
    ),
    lma(
        "LMA, just after a handover: the new MAG may send, the old one may not",
        [
            forwards("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63)), at=0),
            forwards(
                "transport", from_mag(tunnel(MAG2, LMAA, udp6(MN1, CN))), "core", to_cn(udp6(MN1, CN, 63)), at=1.001
            ),
            drops("transport", from_mag(tunnel(MAG1, LMAA, udp6(MN1, CN))), "source-not-bound", at=1.002),
        ],
        script=[{"at": 1, "op": "set", **lma_binding(HNP1, MAG2, local=LMAA, mn="mn1")}],
    ),
    lma(
        "LMA, core port: a pool address as destination, none as source",
        [
            forwards("core", from_cn(udp6(CN, MN1)), "transport", to_mag(tunnel(LMAA, MAG1, udp6(CN, MN1, 63)))),
            forwards("core", from_cn(udp4(CN4, HOA1)), "transport", to_mag(tunnel(LMAA, MAG1, udp4(CN4, HOA1, 63)))),
        ]
        + [
            drops("core", from_cn(packet), "martian")
            for packet in (
                udp6(MN2, MN1),
                udp6(MN1, MN1),
                udp6("2001:db8:100:77::1", MN1),
                udp4(HOA2, HOA1),
                udp4("203.0.113.77", HOA1),
            )
        ],
    ),
]

OLD_PEER = {"local": MAG2, "remote": MAG1}
NEW_PEER = {"local": MAG1, "remote": MAG2}


def at_new(prefix, state, mac, port_name, mn, **more):
    """A binding of MAG2."""
    return mag_binding(prefix, local=MAG2, remote=LMAA, port=port_name, mac=mac, mn=mn, state=state, **more)


GATEWAY = [
    mag(
        "MAG, from the LMA: what is hosted here",
        [
            down(udp6(CN, MN1), udp6(CN, MN1, 63)),
            down(udp6(MN5, MN2), udp6(MN5, MN2, 63), MN2_MAC, "access2"),
            down(udp6(CN, MN3), udp6(CN, MN3, 63), MN3_MAC),
            down(udp4(CN4, HOA1), udp4(CN4, HOA1, 63)),
            down(udp6(CN, LFN), udp6(CN, LFN, 63)),
        ],
        [at_mag(DMNP, MN1_MAC, "access1", "mn1")],
    ),
    mag(
        "MAG, from the LMA: what is not",
        [no_way_down(udp6(CN, destination), "not-on-link") for destination in (*FOREIGN, BEYOND, VIS)]
        + [no_way_down(udp4(CN4, destination), "not-on-link") for destination in (*FOREIGN4, BEYOND4)],
        [at_mag(DMNP, MN1_MAC, "access1", "mn1"), {"visitor": VISITOR, "port": "access1"}],
    ),
    mag(
        "MAG, from an LMA that is not the mobile node's",
        [
            no_way_down(udp6(CN, MN1), *STRANGER, remote=LMA2),
            no_way_down(udp6(CN, MN1), "unknown-tunnel", remote=ROGUE),
            no_way_down(udp6(CN, "2001:db8:100:8::1"), *STRANGER),
            down(udp6(CN, "2001:db8:100:8::1"), udp6(CN, "2001:db8:100:8::1", 63), MN2_MAC, "access2", LMA2),
        ],
        [at_mag("2001:db8:100:8::/64", MN2_MAC, "access2", "mn2", remote=LMA2)],
    ),
    Row(
        "RSPOOF-1",
        "MAG, from the previous MAG: mobile nodes in handover from there",
        NEW,
        [
            forwards("transport", from_lma(tunnel(MAG1, MAG2, udp6(CN, MN1))), "access1", to_mn(udp6(CN, MN1, 63))),
            no_way_down(udp6(CN, MN2), *STRANGER, remote=MAG1, local=MAG2),
            no_way_down(udp6(CN, MN1), "unknown-tunnel", remote=MAG3, local=MAG2),
            no_way_down(udp6(CN, MN5), *STRANGER, remote=MAG1, local=MAG2),
        ],
        [
            at_new(HNP1, "relaying", MN1_MAC, "access1", "mn1", peer=OLD_PEER),
            at_new(HNP2, "active", MN2_MAC, "access2", "mn2"),
        ],
    ),
    Row(
        "RSPOOF-1",
        "MAG, from the new MAG: mobile nodes handed over to it",
        MAG,
        [
            forwards(
                "transport",
                from_lma(tunnel(MAG2, MAG1, udp6(MN1, CN))),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6(MN1, CN, 63))),
            ),
            no_way_down(udp6(MN2, CN), *STRANGER, remote=MAG2),
            no_way_down(udp6(MN5, CN), *STRANGER, remote=MAG2),
            no_way_down(udp6(MN1, CN), "unknown-tunnel", remote=MAG3),
            no_way_down(udp6("2001:db8:7::7", CN), *STRANGER, remote=MAG2),
        ],
        [
            at_mag(HNP1, MN1_MAC, "access1", "mn1", state="redirecting", peer=NEW_PEER),
            at_mag(HNP2, MN2_MAC, "access2", "mn2"),
        ],
    ),
    mag(
        "MAG, from another MAG: source and destination of a localized route",
        [
            down(udp6(MN5, MN1), udp6(MN5, MN1, 63), remote=MAG2),
            no_way_down(udp6(CN, MN1), *STRANGER, remote=MAG2),
            no_way_down(udp6(MN5, MN1), "unknown-tunnel", remote=MAG3),
            no_way_down(udp6(MN5, MN2), *STRANGER, remote=MAG2),
            no_way_down(udp6(MN5, CN), *STRANGER, remote=MAG2),
        ],
        [{"route": {"from": HNP1, "to": HNP5}, "via": NEW_PEER}],
        ON,
    ),
    mag(
        "access port, mobile node: its prefixes, from its MAC on its port",
        [
            out(udp6(MN1, CN), udp6(MN1, CN, 63)),
            out(udp6("2001:db8:100:1:f::1", CN), udp6("2001:db8:100:1:f::1", CN, 63)),
            out(udp6(LFN, CN), udp6(LFN, CN, 63)),
            out(udp4(HOA1, CN4), udp4(HOA1, CN4, 63)),
            out(udp6(MN3, CN), udp6(MN3, CN, 63), MN3_MAC),
            out(udp6(MN2, CN), udp6(MN2, CN, 63), MN2_MAC, "access2"),
        ],
        [at_mag(DMNP, MN1_MAC, "access1", "mn1")],
    ),
    mag(
        "access port, mobile node: any other source",
        [no_way_out(udp6(source, CN)) for source in (*FOREIGN, BEYOND)]
        + [no_way_out(udp4(source, CN4)) for source in (*FOREIGN4, BEYOND4)]
        + [no_way_out(udp6("fe80::1", CN), "link-local-source")],
        [at_mag(DMNP, MN1_MAC, "access1", "mn1")],
    ),
    mag(
        "access port, mobile node: its source from another's MAC, from another port, to anyone",
        [
            no_way_out(udp6(MN1, destination), "not-on-link", mac=mac, port_name=port_name)
            for destination in (CN, MN2)
            for mac, port_name in ((MN3_MAC, "access1"), (MN1_MAC, "access2"), (MN2_MAC, "access2"))
        ],
        (),
        ON,
    ),
    mag(
        "access port, mobile node: with a VLAN, only in that VLAN",
        [
            forwards(
                "access2",
                Ether(src=MN2_MAC, dst=MAG_MAC) / Dot1Q(vlan=7) / udp6("2001:db8:100:8::1", CN),
                "transport",
                to_lma(tunnel(MAG1, LMAA, udp6("2001:db8:100:8::1", CN, 63))),
            ),
            no_way_out(udp6("2001:db8:100:8::1", CN), "not-on-link", mac=MN2_MAC, port_name="access2"),
            drops(
                "access2",
                Ether(src=MN2_MAC, dst=MAG_MAC) / Dot1Q(vlan=8) / udp6("2001:db8:100:8::1", CN),
                "not-on-link",
            ),
        ],
        [at_mag("2001:db8:100:8::/64", MN2_MAC, "access2", "mn2", vlan=7)],
    ),
    mag(
        "access port, visitor: the visitor prefix of its port, natively; nothing else",
        [
            punts("access1", from_mn(udp6(VIS, CN), VIS_MAC), "visitor"),
            no_way_out(udp6("2001:db8:bbbb::1", CN), mac=VIS_MAC),
            no_way_out(udp6(VIS, CN), "not-on-link", mac=VIS_MAC, port_name="access2"),
            no_way_out(udp6(MN1, CN), "not-on-link", mac=VIS_MAC),
        ],
        [{"visitor": VISITOR, "port": "access1"}],
    ),
    mag(
        "access port: no tunnel ends there, whoever claims to be its other end",
        [
            no_way_out(tunnel(source, MAG1, inner), "source-not-bound", "not-on-link")
            for source in (LMAA, MAG2)
            for inner in (udp6(CN, MN2), udp4(CN4, HOA2))
        ],
    ),
]


class Anchor(Conformance):
    """Lines of the LMA."""

    rows = ANCHOR


class Gateway(Conformance):
    """Lines of the MAG."""

    rows = GATEWAY


if __name__ == "__main__":
    unittest.main()
