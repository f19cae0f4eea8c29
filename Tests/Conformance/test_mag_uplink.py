"""MAG, from the mobile node into the tunnel, and between mobile nodes of one MAG."""

import unittest

from scapy.layers.inet6 import IPv6, MIP6MH_BU
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

FLAGS = {False: MAG, True: MAG.with_(local_routing=True)}


def row(identifier, title, steps, *, configuration=MAG, records=MAG_RECORDS, **more):
    """A row on MAG1."""
    return Row(identifier, title, configuration, steps, list(records), **more)


def up(inner_in, inner_out, port_name="access1", mac=MN1_MAC, lma=LMAA, at=None):
    """One packet from a mobile node into its tunnel."""
    return forwards(port_name, from_mn(inner_in, mac), "transport", to_lma(tunnel(MAG1, lma, inner_out)), at=at)


def stopped(inner, *reasons, port_name="access1", mac=MN1_MAC, at=None):
    """One packet of a mobile node that ends at the MAG."""
    return drops(port_name, from_mn(inner, mac), *reasons, at=at)


TUNNELLED = [
    row(
        "S-29",
        "everything goes to the mobile node's LMA",
        [
            up(udp6(MN1, destination), udp6(MN1, destination, 63))
            for destination in (CN, "2001:db8:7::7", MN4, "fd00::1")
        ],
        counters={f"tunnel.{MAG1}.{LMAA}.up.packets": 4},
    ),
    row(
        "S-41",
        "IPv4 with the home address as source",
        [
            up(udp4(HOA1, destination), udp4(HOA1, destination, 63))
            for destination in (CN4, "192.0.2.77", "203.0.113.99")
        ],
    ),
    row(
        "S-18",
        "per-node prefix: any interface identifier; shared prefix: the one address",
        [
            up(udp6("2001:db8:100:1:9::9", CN), udp6("2001:db8:100:1:9::9", CN, 63)),
            up(udp6(MN3, CN), udp6(MN3, CN, 63), mac=MN3_MAC),
            stopped(udp6("2001:db8:200::5", CN), "source-not-bound", mac=MN3_MAC),
        ],
    ),
    row(
        "S-19",
        "the tunnel follows the mobile node, not the destination",
        [up(udp6(MN1, CN), udp6(MN1, CN, 63)), up(udp6(MN2, CN), udp6(MN2, CN, 63), "access2", MN2_MAC, LMA2)],
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1"), at_mag(HNP2, MN2_MAC, "access2", "mn2", remote=LMA2)],
    ),
    row(
        "RPUNT-5",
        "a binding update to a foreign home agent is data",
        [up(*(IPv6(src=MN1, dst="2001:db8:77::1", hlim=hops) / MIP6MH_BU(seq=1, mhtime=60) for hops in (64, 63)))],
    ),
    row(
        "R8200-4",
        "an inner packet of any kind",
        [
            up(*(IPv6(src=MN1, dst=CN, hlim=hops, nh=nh) / Raw(b"z" * 24) for hops in (64, 63)))
            for nh in (50, 59, 139, 253)
        ],
    ),
    row(
        "S-65",
        "a tunnel of the mobile node's own is plain data",
        [up(*(IPv6(src=MN1, dst="2001:db8:77::1", hlim=hops) / udp6("2001:db8:77::9", CN) for hops in (64, 63)))],
    ),
]

AUTHORIZED = [
    row("S-30", "a link-local source is not forwarded", [stopped(udp6("fe80::1", CN), "link-local-source")]),
    row(
        "R5213-16",
        "a link-local source is not forwarded to another mobile node either",
        [stopped(udp6("fe80::1", MN2), "link-local-source")],
        configuration=FLAGS[True],
    ),
    row(
        "R5213-16",
        "link-local and link-scope destinations stay on the link",
        [
            punts("access1", from_mn(udp6(MN1, "fe80::77")), "link-local"),
            punts("access1", from_mn(udp6(MN1, "ff02::fb")), "multicast"),
        ],
    ),
    row(
        "S-31",
        "nothing before the binding is accepted, then at once",
        [
            stopped(udp6(MN1, CN), "binding-pending"),
            stopped(udp4(HOA1, CN4), "binding-pending"),
            up(udp6(MN1, CN), udp6(MN1, CN, 63), at=2),
            up(udp4(HOA1, CN4), udp4(HOA1, CN4, 63), at=2.1),
        ],
        records=[
            at_mag(HNP1, MN1_MAC, "access1", "mn1", state="pending"),
            at_mag(f"{HOA1}/32", MN1_MAC, "access1", "mn1", state="pending"),
        ],
        script=[{"at": 1, "op": "set", **at_mag(prefix, MN1_MAC, "access1", "mn1")} for prefix in (HNP1, f"{HOA1}/32")],
    ),
    row(
        "R5213-15",
        "a binding that is not accepted: no local delivery either",
        [stopped(udp6(MN1, MN2), "binding-pending")],
        configuration=FLAGS[True],
        records=[at_mag(HNP1, MN1_MAC, "access1", "mn1", state="pending"), at_mag(HNP2, MN2_MAC, "access2", "mn2")],
    ),
    row(
        "S-33",
        "after one prefix has gone its source is a stranger's, the other goes on",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63)),
            stopped(udp6(MN1, CN), "source-not-bound", at=2),
            up(udp4(HOA1, CN4), udp4(HOA1, CN4, 63), at=2.1),
        ],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": HNP1}],
    ),
    row(
        "S-33",
        "after the mobile node has left nothing of it is forwarded, and the control daemon is told",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63)),
            stopped(udp6(MN1, CN), "source-not-bound", at=2),
            stopped(udp4(HOA1, CN4), "source-not-bound", at=4),
        ],
        script=[{"at": 1, "op": "delete", "table": "pmip", "prefix": prefix} for prefix in (HNP1, f"{HOA1}/32")],
        events=[
            {"event": "unknown-source", "prefix": HNP1, "address": MN1, "mac": MN1_MAC, "port": "access1"},
            {"event": "unknown-source", "prefix": f"{HOA1}/32", "address": HOA1, "mac": MN1_MAC, "port": "access1"},
        ],
    ),
    row(
        "S-31",
        "nothing of a mobile node before its first binding, which its packets may make somebody register",
        [
            stopped(udp6(MN1, CN), "source-not-bound", at=0),
            stopped(udp6(MN1, MN2), "source-not-bound", at=0.1),
            up(udp6(MN1, CN), udp6(MN1, CN, 63), at=2),
        ],
        records=[],
        script=[{"at": 1, "op": "set", **at_mag(HNP1, MN1_MAC, "access1", "mn1")}],
        events=[{"event": "unknown-source", "prefix": HNP1, "address": MN1, "mac": MN1_MAC, "port": "access1"}],
    ),
    row(
        "S-35",
        "another node's source from this node's MAC on a shared link",
        [
            stopped(udp6(MN1, CN), "not-on-link", mac=MN3_MAC),
            stopped(udp6(MN3, CN), "not-on-link"),
            stopped(udp4(HOA1, CN4), "not-on-link", mac=MN3_MAC),
        ],
    ),
    row(
        "2.15",
        "the right node on the wrong port",
        [
            stopped(udp6(MN1, CN), "not-on-link", port_name="access2"),
            stopped(udp4(HOA1, CN4), "not-on-link", port_name="access2"),
            stopped(udp6(MN2, CN), "not-on-link", mac=MN2_MAC),
        ],
    ),
    row(
        "2.15",
        "a known MAC with a foreign source",
        [
            stopped(udp6("2001:db8:100:77::1", CN), "source-not-bound"),
            stopped(udp6("2001:db8:7::1", CN), "source-not-bound"),
            stopped(udp4("203.0.113.11", CN4), "source-not-bound"),
            stopped(udp4("10.0.0.1", CN4), "source-not-bound"),
        ],
    ),
    row(
        "R5844-3",
        "an address next to the home address",
        [stopped(udp4("203.0.113.9", CN4), "source-not-bound"), stopped(udp4("203.0.113.11", CN4), "source-not-bound")],
    ),
    row(
        "S-64",
        "mobile node and visitor on one link: the decision is per node",
        [
            up(udp6(MN1, CN), udp6(MN1, CN, 63)),
            punts("access1", from_mn(udp6(VIS, CN), "02:00:00:00:09:99"), "visitor"),
            up(udp6(MN1, CN), udp6(MN1, CN, 63)),
        ],
        records=[*MAG_RECORDS, {"visitor": VISITOR, "port": "access1"}],
    ),
]


def routed(flag, first, second):
    """MN1 and MN2 send to each other; each one's effective policy decides for its own packets."""

    def policy(value):
        return {} if value is None else {"localRouting": value}

    records = [
        at_mag(HNP1, MN1_MAC, "access1", "mn1", **policy(first)),
        at_mag(f"{HOA1}/32", MN1_MAC, "access1", "mn1", **policy(first)),
        at_mag(HNP2, MN2_MAC, "access2", "mn2", **policy(second)),
        at_mag(f"{HOA2}/32", MN2_MAC, "access2", "mn2", **policy(second)),
    ]
    steps = []
    for own, source, destination, ins, outs in (
        (first, (MN1, HOA1, MN1_MAC), (MN2, HOA2, MN2_MAC), "access1", "access2"),
        (second, (MN2, HOA2, MN2_MAC), (MN1, HOA1, MN1_MAC), "access2", "access1"),
    ):
        for make, index in ((udp6, 0), (udp4, 1)):
            before, after = make(source[index], destination[index]), make(source[index], destination[index], 63)
            if flag if own is None else own:
                steps.append(forwards(ins, from_mn(before, source[2]), outs, to_mn(after, destination[2])))
            else:
                steps.append(up(before, after, ins, source[2]))
    # What is not local is tunnelled whatever the flags say.
    steps.append(up(udp6(MN1, CN), udp6(MN1, CN, 63)))
    names = {None: "unset", True: "on", False: "off"}
    title = f"flag {'on' if flag else 'off'}, MN1 {names[first]}, MN2 {names[second]}"
    return row("R5213-17", title, steps, configuration=FLAGS[flag], records=records)


LOCAL_ROUTING = [
    routed(flag, first, second)
    for flag in (False, True)
    for first in (None, True, False)
    for second in (None, True, False)
]


class Tunnelled(Conformance):
    """Into the tunnel."""

    rows = TUNNELLED


class Authorized(Conformance):
    """Who may send what (the decision table of section 2.15)."""

    rows = AUTHORIZED


class LocalRouting(Conformance):
    """EnableMAGLocalRouting and the per-node policy, both orders."""

    rows = LOCAL_ROUTING


if __name__ == "__main__":
    unittest.main()
