"""What belongs to the kernel and the control daemon: every class once, unmodified, never forwarded."""

import unittest

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    HAO,
    ICMPv6EchoRequest,
    ICMPv6MLReport,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_Redirect,
    ICMPv6ND_RS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    MIP6MH_BU,
    RouterAlert,
)
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from rows import Conformance, Row, drops, forwards, punts
from world import *

BROADCAST, ALL_NODES, ALL_ROUTERS = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", "33:33:00:00:00:02"
LL1 = "fe80::ff:fe00:110"


def row(identifier, title, steps, *, configuration=MAG, records=MAG_RECORDS):
    """A row on the MAG unless said otherwise."""
    return Row(identifier, title, configuration, steps, list(records))


def nd(source, destination, message, hops=255):
    """A neighbour discovery packet."""
    return IPv6(src=source, dst=destination, hlim=hops) / message


def access(packet, mac=MAG_MAC, source=MN1_MAC):
    """A frame of MN1 with a chosen destination MAC."""
    return Ether(src=source, dst=mac) / packet


# A frame with a group MAC is not steered at all (RX-4: only frames for us are), hence its reason.
GROUP = ("other-mac", "multicast")
ACCESS = {
    "router solicitation": (access(nd(LL1, "ff02::2", ICMPv6ND_RS()), ALL_ROUTERS), GROUP),
    "router solicitation by unicast": (access(nd(LL1, MAG_LINK_LOCAL, ICMPv6ND_RS())), ("neighbor-discovery",)),
    "router advertisement of a mobile node": (access(nd(LL1, "ff02::1", ICMPv6ND_RA()), ALL_NODES), GROUP),
    "router advertisement to the MAG": (access(nd(LL1, MAG_LINK_LOCAL, ICMPv6ND_RA())), ("neighbor-discovery",)),
    "neighbour solicitation": (
        access(nd(LL1, "ff02::1:ff00:5213", ICMPv6ND_NS(tgt=MAG_LINK_LOCAL)), "33:33:ff:00:52:13"),
        GROUP,
    ),
    "neighbour solicitation by unicast": (
        access(nd(MN1, MAG_LINK_LOCAL, ICMPv6ND_NS(tgt=MAG_LINK_LOCAL))),
        ("neighbor-discovery",),
    ),
    "neighbour advertisement": (access(nd(MN1, MAG_LINK_LOCAL, ICMPv6ND_NA(tgt=MN1))), ("neighbor-discovery",)),
    "redirect of a mobile node": (access(nd(LL1, MN2, ICMPv6ND_Redirect(tgt=MN1, dst=CN))), ("neighbor-discovery",)),
    "neighbour discovery with a hop limit of 64": (
        access(nd(MN1, "2001:db8:7::7", ICMPv6ND_NS(tgt=MN2), 64)),
        ("neighbor-discovery",),
    ),
    "multicast listener report": (
        access(
            IPv6(src=LL1, dst="ff02::16", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport2(),
            "33:33:00:00:00:16",
        ),
        GROUP,
    ),
    "multicast listener report, version 1": (
        access(
            IPv6(src=LL1, dst="ff02::9", hlim=1)
            / IPv6ExtHdrHopByHop(options=[RouterAlert()])
            / ICMPv6MLReport(mladdr="ff02::9"),
            "33:33:00:00:00:09",
        ),
        GROUP,
    ),
    "DHCPv6 to all relays": (
        access(IPv6(src=LL1, dst="ff02::1:2") / UDP(sport=546, dport=547) / b"d6", "33:33:00:01:00:02"),
        GROUP,
    ),
    "DHCPv6 to the MAG": (access(IPv6(src=MN1, dst=MAG1) / UDP(sport=546, dport=547) / b"d6"), ("local",)),
    "DHCPv4 discover": (
        access(IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / b"d4", BROADCAST),
        GROUP + ("dhcp",),
    ),
    "DHCPv4 request by unicast": (access(IP(src=HOA1, dst="203.0.113.1") / UDP(sport=68, dport=67) / b"d4"), ("dhcp",)),
    "ARP for the default router": (
        access(ARP(op=1, psrc=HOA1, pdst="203.0.113.1", hwsrc=MN1_MAC), BROADCAST),
        ("arp",),
    ),
    "ARP reply": (access(ARP(op=2, psrc=HOA1, pdst="203.0.113.1", hwsrc=MN1_MAC, hwdst=MAG_MAC)), ("arp",)),
    "EAPOL": (Ether(src=MN1_MAC, dst="01:80:c2:00:00:03", type=0x888E) / Raw(b"\x01\x01\0\0"), ("ethertype",)),
    "PPPoE discovery": (Ether(src=MN1_MAC, dst=BROADCAST, type=0x8863) / Raw(b"\x11\x09\0\0\0\0"), ("ethertype",)),
    "PPPoE session": (Ether(src=MN1_MAC, dst=MAG_MAC, type=0x8864) / Raw(b"\x11\0\0\1\0\2\xc0\x21"), ("ethertype",)),
    "LLDP": (Ether(src=MN1_MAC, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"\0\0"), ("ethertype",)),
    "an unknown EtherType": (Ether(src=MN1_MAC, dst=MAG_MAC, type=0x88B5) / Raw(b"experiment"), ("ethertype",)),
    "an 802.3 length": (
        Ether(src=MN1_MAC, dst="01:80:c2:00:00:00", type=39) / Raw(b"\x42\x42\x03" + b"\0" * 36),
        ("ethertype",),
    ),
    "echo to the MAG": (access(IPv6(src=MN1, dst=MAG1) / ICMPv6EchoRequest()), ("local",)),
    "site-scope multicast": (access(udp6(MN1, "ff05::1:3"), "33:33:00:01:00:03"), GROUP),
    "global multicast": (access(udp6(MN1, "ff0e::1"), ALL_NODES), GROUP),
}
MULTICAST = {"site-scope multicast", "global multicast"}

LOCAL = {
    "echo to the LMA address": IPv6(src=CN, dst=LMAA) / ICMPv6EchoRequest(),
    "SSH": IPv6(src=CN, dst=LMAA) / TCP(dport=22, flags="S"),
    "BGP": IPv6(src=CN, dst=LMAA2) / TCP(dport=179, flags="S"),
    "IKE": IPv6(src=CN, dst=LMAA) / UDP(sport=500, dport=500) / b"ike",
    "an ICMPv6 error about something else": IPv6(src=CN, dst=LMAA, nh=58)
    / Raw(b"\x01\x04\0\0\0\0\0\0" + bytes(udp6(LMAA, CN))[:48]),
}
MOBILITY = {
    "proxy binding update": IPv6(src=MAG1, dst=LMAA) / MIP6MH_BU(seq=1, mhtime=60),
    "binding update with a home address option": IPv6(src=MIP_COA, dst=LMAA)
    / IPv6ExtHdrDestOpt(options=[HAO(hoa=MN1)])
    / MIP6MH_BU(seq=1, mhtime=60),
}
# The second one in two parts, from somebody who has no tunnel here yet.
PARTS = [
    IPv6(src=MIP_COA, dst=LMAA) / IPv6ExtHdrFragment(nh=60, id=9, offset=start // 8, m=more) / Raw(data)
    for octets in [bytes(MOBILITY["binding update with a home address option"])[40:]]
    for start, more, data in ((0, 1, octets[:24]), (24, 0, octets[24:]))
]
ESP_PACKET = IPv6(src=MAG1, dst=LMAA) / ESP(spi=1, seq=1, data=b"e" * 64)

ROWS = (
    [
        row("RPUNT-9" if name in MULTICAST else "RPUNT-1", name, [punts("access1", frame, *reasons)])
        for name, (frame, reasons) in ACCESS.items()
    ]
    + [
        row("RPUNT-3", name, [punts("core", from_cn(packet), "local")], configuration=LMA, records=LMA_RECORDS)
        for name, packet in LOCAL.items()
    ]
    + [
        row(
            "RPUNT-3",
            "the most addresses a configuration may list, both router addresses besides",
            [
                punts("core", from_cn(IPv6(src=CN, dst="2001:db8:1::100") / ICMPv6EchoRequest()), "local"),
                punts("core", from_cn(IPv6(src=CN, dst="2001:db8:1::13e") / ICMPv6EchoRequest()), "local"),
                punts("core", from_cn(IPv6(src=CN, dst=LMAA) / ICMPv6EchoRequest()), "local"),
                punts("core", from_cn(IP(src=CN4, dst=LMA_ROUTER4) / ICMP()), "local"),
            ],
            configuration=LMA.with_(local_addresses=[f"2001:db8:1::{0x100 + host:x}" for host in range(63)]),
            records=[],
        ),
        row(
            "RPUNT-3",
            "IPv4 echo to the LMA",
            [punts("core", from_cn(IP(src=CN4, dst="192.0.2.1") / ICMP()), "local")],
            configuration=LMA,
            records=LMA_RECORDS,
        )
    ]
    + [
        row("RPUNT-4", name, [punts("transport", from_mag(packet), "local")], configuration=LMA, records=LMA_RECORDS)
        for name, packet in MOBILITY.items()
    ]
    + [
        row(
            "RPUNT-4",
            "a binding update with a home address option, in two parts",
            [punts("transport", from_mag(part), "not-ours-any-more") for part in PARTS],
            configuration=LMA,
            records=LMA_RECORDS,
        ),
        row(
            "RPUNT-4",
            "a binding update inside the tunnel for the home agent's address",
            [
                punts(
                    "transport",
                    from_mag(tunnel(MAG1, LMAA, IPv6(src=MN1, dst=LMAA) / MIP6MH_BU(seq=1, mhtime=60))),
                    "inner-local",
                    kernel=Ether(src=MAG1_MAC, dst=TRANSPORT_MAC)
                    / IPv6(src=MN1, dst=LMAA)
                    / MIP6MH_BU(seq=1, mhtime=60),
                )
            ],
            configuration=LMA,
            records=LMA_RECORDS,
        ),
        row(
            "RPUNT-5",
            "a binding update of a mobile node to a foreign home agent leaves the LMA as data",
            [
                forwards(
                    "transport",
                    from_mag(tunnel(MAG1, LMAA, IPv6(src=MN1, dst="2001:db8:77::1") / MIP6MH_BU(seq=1, mhtime=60))),
                    "core",
                    to_cn(IPv6(src=MN1, dst="2001:db8:77::1", hlim=63) / MIP6MH_BU(seq=1, mhtime=60)),
                )
            ],
            configuration=LMA,
            records=LMA_RECORDS,
        ),
        row(
            "RPUNT-7",
            "a tunnel packet on an access port is never decapsulated",
            [
                drops("access1", from_mn(tunnel(LMAA, MAG1, udp6(CN, MN2))), "source-not-bound", "not-on-link"),
                drops(
                    "access2", from_mn(tunnel(LMAA, MAG1, udp6(CN, MN1)), MN2_MAC), "source-not-bound", "not-on-link"
                ),
            ],
        ),
        row(
            "RPUNT-7",
            "nor one with the mobile node's own source: the kernel gets it as it came, tag included",
            [
                punts("access1", from_mn(tunnel(MN1, MAG1, udp6(CN, MN2)))),
                punts(
                    "access1",
                    Ether(src=MN3_MAC, dst=MAG_MAC) / Dot1Q(vlan=7) / tunnel("2001:db8:300::1", MAG1, udp6(CN, MN2)),
                ),
            ],
            records=[
                *MAG_RECORDS,
                at_mag("2001:db8:300::/64", MN3_MAC, "access1", "mn5", vlan=7),
            ],
        ),
        row(
            "R5213-26",
            "ESP to a tunnel address is the kernel's",
            [punts("transport", from_mag(ESP_PACKET), "local")],
            configuration=LMA,
            records=LMA_RECORDS,
        ),
        row(
            "S-70",
            "ESP to the MAG",
            [punts("transport", from_lma(IPv6(src=LMAA, dst=MAG1) / ESP(spi=1, seq=1, data=b"e" * 64)), "local")],
        ),
        row(
            "RPUNT-1",
            "with a VLAN tag, which stays on",
            [
                punts(
                    "access1",
                    Ether(src=MN1_MAC, dst=ALL_ROUTERS) / Dot1Q(vlan=7) / nd(LL1, "ff02::2", ICMPv6ND_RS()),
                    *GROUP
                ),
                punts(
                    "access1",
                    Ether(src=MN1_MAC, dst=MAG_MAC) / Dot1Q(vlan=7) / nd(LL1, MAG_LINK_LOCAL, ICMPv6ND_RS()),
                    "neighbor-discovery",
                ),
            ],
        ),
    ]
)


class Punts(Conformance):
    """One frame per class."""

    rows = ROWS


if __name__ == "__main__":
    unittest.main()
