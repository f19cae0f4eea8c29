#!/usr/bin/python3
"""Writes steering.tsv: packets built by Scapy and, by hand, what REQUIREMENTS says the steering program does with them.

Columns: node/port, expected reason, description, frame in hex. "redirected" goes to the worker, every other reason
to the kernel. Where a packet has several reasons to pass, the expected one is the first in the program's order
(EtherType, MAC, multicast, ND, link-local, DHCP, local, pools, sources). Nodes and tables: SteeringWorld.swift,
the reference topology of REQUIREMENTS 0.3.

Run it after a change:  /usr/bin/python3 Tests/CXdpTests/Fixtures/make_steering.py
"""

import pathlib

from scapy.all import (
    ARP, BOOTP, DHCP, EAPOL, ESP, GRE, ICMP, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6MLReport2, ICMPv6MLQuery,
    ICMPv6ND_INDAdv, ICMPv6ND_INDSol, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
    ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IP, IPOption, IPv6, IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, MIP6MH_BA, MIP6MH_BU, MIP6MH_HoTI, DHCP6_Solicit, Dot1AD,
    Dot1Q, Ether, HAO, PadN, Raw, RouterAlert, SCTP, TCP, UDP,
)
from scapy.layers.ppp import PPPoED

CN, CN4 = "2001:db8:c::1", "198.51.100.1"
LMAA, LMAA2, MAG1, MAG2 = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:a::1", "2001:db8:b::1"
MN1, MN2, MN1V4 = "2001:db8:100:1::10", "2001:db8:100:2::20", "203.0.113.10"
MN3, VISITOR, ROGUE, COA = "2001:db8:200::3", "2001:db8:aaaa::99", "2001:db8:bad::1", "2001:db8:f::f"
LMA4, VISITOR4, TRANSPORT_ROUTER = "192.0.2.1", "10.9.0.7", "2001:db8:77::1"
MAG_LL, MN_LL = "fe80::200:5eff:fe00:5213", "fe80::1:10"

PORT_MAC = {
    "lma/core": "02:00:00:00:0c:02", "lma/transport": "02:00:00:00:01:01", "lma/stick": "02:00:00:00:01:05",
    "mag/transport": "02:00:00:00:0a:01", "mag/access": "00:00:5e:00:52:13", "mag/access2": "00:00:5e:00:52:13",
}
MN1_MAC, VISITOR_MAC, ROGUE_MAC = "02:00:00:00:01:10", "02:00:00:00:09:09", "02:00:00:00:06:66"
FOREIGN_MAC, BROADCAST = "02:00:00:00:ff:ff", "ff:ff:ff:ff:ff:ff"

rows = []


def row(port, reason, description, packet, dst=None, src=None, cut=None):
    """`packet` is a network-layer packet, or a whole frame if it starts with Ether."""
    if not isinstance(packet, Ether):
        source = src or (MN1_MAC if port.startswith("mag/access") else FOREIGN_MAC)
        packet = Ether(dst=dst or PORT_MAC[port], src=source) / packet
    octets = bytes(packet)
    rows.append((port, reason, description, (octets[:cut] if cut else octets).hex()))


def frame(port, dst=None, src=None):
    return Ether(dst=dst or PORT_MAC[port], src=src or (MN1_MAC if "access" in port else FOREIGN_MAC))


def payload(size=32):
    return UDP(sport=4000, dport=5000) / Raw(bytes(range(256))[:size] * 1)


inner = IPv6(src=CN, dst=MN1) / payload()
inner4 = IP(src=CN4, dst=MN1V4) / payload()
tel = IPv6ExtHdrDestOpt(options=[PadN(otype=4, optdata=b"\x04"), PadN(optdata=b"\0")])

# --- tunnel packets to a local address (issue item 3) ---
up = IPv6(src=MN1, dst=CN) / payload()
up4 = IP(src=MN1V4, dst=CN4) / payload()
row("lma/transport", "redirected", "IPv6 in IPv6 to LMAA", IPv6(src=MAG1, dst=LMAA) / up)
row("lma/transport", "redirected", "IPv4 in IPv6 to LMAA", IPv6(src=MAG1, dst=LMAA) / up4)
row("lma/transport", "redirected", "IPv6 in IPv6 to the second LMAA", IPv6(src=MAG1, dst=LMAA2) / up)
row("lma/core", "redirected", "tunnel packet arriving on the core port", IPv6(src=MAG1, dst=LMAA) / up)
row("lma/stick", "redirected", "tunnel packet on a router on a stick", IPv6(src=MAG1, dst=LMAA) / up)
row("lma/transport", "redirected", "tunnel packet behind the encapsulation limit option", IPv6(src=MAG1, dst=LMAA) / tel / up)
row("lma/transport", "redirected", "IPv4 tunnel packet behind the option", IPv6(src=MAG1, dst=LMAA) / tel / up4)
row("lma/transport", "redirected", "tunnel packet behind hop-by-hop and destination options",
    IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / tel / up)
row("lma/transport", "redirected", "tunnel packet behind a long destination options header",
    IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 250)]) / up)
row("lma/transport", "redirected", "tunnel packet behind six headers",
    IPv6(src=MAG1, dst=LMAA) / tel / tel / tel / tel / tel / tel / up)
row("lma/transport", "local", "seven headers are nobody's tunnel", IPv6(src=MAG1, dst=LMAA) / tel / tel / tel / tel / tel / tel / tel / up)
row("lma/transport", "local", "hop-by-hop options that are not first are the kernel's to refuse",
    IPv6(src=MAG1, dst=LMAA) / tel / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / up)
row("lma/transport", "redirected", "tunnel packet behind a spent routing header",
    IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrRouting(type=0, segleft=0, addresses=[LMAA]) / up)
row("lma/transport", "redirected", "tunnel packet of an unknown peer (the worker drops it)", IPv6(src=ROGUE, dst=LMAA) / up)
for more, offset in ((1, 0), (1, 4), (0, 4)):
    for nh, what in ((41, "IPv6"), (4, "IPv4"), (60, "options")):
        row("lma/transport", "redirected", f"part of a tunnel packet, {what}, offset {offset}, more {more}",
            IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(id=7, m=more, offset=offset, nh=nh) / Raw(b"p" * 32))
    for nh in (17, 58, 59, 44, 43, 0, 135):
        row("lma/transport", "local", f"part of something else, next header {nh}, offset {offset}, more {more}",
            IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(id=7, m=more, offset=offset, nh=nh) / Raw(b"p" * 32))
row("lma/transport", "redirected", "part of a tunnel packet behind options",
    IPv6(src=MAG1, dst=LMAA) / tel / IPv6ExtHdrFragment(id=7, m=1, nh=41) / Raw(bytes(IPv6(src=MN1, dst=CN)) + b"\0" * 8))
row("lma/transport", "local", "Fragment header cut before its end", IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(id=7, m=1, nh=41), cut=14 + 47)
row("lma/transport", "redirected", "a whole tunnel packet behind a Fragment header, options behind it",
    IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(id=7, nh=60) / tel / up)
row("lma/transport", "local", "a whole packet of something else behind a Fragment header",
    IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(id=7, nh=58) / ICMPv6EchoRequest())
row("lma/transport", "redirected", "routing header with segments left is the worker's to refuse", IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrRouting(type=0, addresses=[CN]) / up)
row("lma/transport", "redirected", "error quoting a fragment of our tunnel packet with the encapsulation limit", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / IPv6(src=LMAA, dst=MAG1)
    / IPv6ExtHdrFragment(nh=60, m=1) / tel / IPv6(src=CN, dst=MN1))
row("lma/transport", "local", "GRE to LMAA", IPv6(src=MAG1, dst=LMAA) / GRE() / up)
row("lma/transport", "not-ours", "tunnel packet to somebody else", IPv6(src=MAG1, dst=TRANSPORT_ROUTER) / up)
row("mag/transport", "redirected", "IPv6 in IPv6 to the Proxy-CoA", IPv6(src=LMAA, dst=MAG1) / inner)
row("mag/transport", "redirected", "IPv4 in IPv6 to the Proxy-CoA", IPv6(src=LMAA, dst=MAG1) / inner4)
row("mag/access", "redirected", "RPUNT-7: a tunnel packet from a mobile node is the worker's to drop",
    IPv6(src=LMAA, dst=MAG1) / IPv6(src=CN, dst=MN2) / payload())

# --- signalling and services of the host itself (S-66, S-70, RPUNT-3, RPUNT-4) ---
pbu = MIP6MH_BU(seq=1, flags="APH")
row("lma/transport", "local", "RPUNT-4: PBU to LMAA", IPv6(src=MAG1, dst=LMAA) / pbu)
row("lma/transport", "local", "RPUNT-4: BU behind a home address option",
    IPv6(src=COA, dst=LMAA) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0\0"), HAO(hoa=MN1)]) / pbu)
row("mag/transport", "local", "PBA to the Proxy-CoA", IPv6(src=LMAA, dst=MAG1) / MIP6MH_BA(seq=1))
row("lma/transport", "local", "HoTI to LMAA", IPv6(src=MAG1, dst=LMAA) / MIP6MH_HoTI())
row("lma/transport", "local", "S-70: ESP to LMAA", IPv6(src=MAG1, dst=LMAA, nh=50) / ESP(spi=7, seq=1, data=b"\0" * 24))
row("lma/transport", "local", "S-70: ESP behind destination options", IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrDestOpt(nh=50, options=[PadN(optdata=b"\0" * 4)]) / ESP(spi=7, seq=1, data=b"\0" * 24))
row("lma/transport", "local", "S-70: IKE to LMAA", IPv6(src=MAG1, dst=LMAA) / UDP(sport=500, dport=500) / Raw(b"\0" * 28))
row("lma/transport", "local", "S-70: IKE with NAT traversal", IPv6(src=MAG1, dst=LMAA) / UDP(sport=4500, dport=4500) / Raw(b"\0" * 28))
row("lma/core", "local", "RPUNT-3: SSH to the LMA", IPv6(src=CN, dst=LMAA) / TCP(dport=22, flags="S"))
row("lma/core", "local", "RPUNT-3: SSH to the LMA over IPv4", IP(src=CN4, dst=LMA4) / TCP(dport=22, flags="S"))
row("lma/core", "local", "RPUNT-3: BGP", IPv6(src=CN, dst=LMAA) / TCP(dport=179, flags="S"))
row("lma/core", "local", "RPUNT-3: echo request to LMAA", IPv6(src=CN, dst=LMAA) / ICMPv6EchoRequest(data=b"x" * 16))
row("lma/core", "local", "echo request to the IPv4 router address", IP(src=CN4, dst=LMA4) / ICMP())
row("lma/transport", "local", "PMIPv6 signalling over IPv4", IP(src="192.0.2.77", dst=LMA4) / UDP(dport=5436) / Raw(b"\0" * 12))
row("lma/transport", "local", "IPv6 in IPv4 to a local address is not this plane's", IP(src="192.0.2.77", dst=LMA4, proto=41) / up)
row("lma/core", "local", "no upper layer at all", IPv6(src=CN, dst=LMAA, nh=59))
row("lma/core", "local", "SCTP to LMAA", IPv6(src=CN, dst=LMAA) / SCTP(dport=36412))
row("mag/access", "local", "RPUNT-1: DHCPv6 to a local address", IPv6(src=MN1, dst=MAG1) / UDP(sport=546, dport=547) / DHCP6_Solicit())
row("mag/access", "local", "RPUNT-3: echo of a mobile node to the MAG", IPv6(src=MN1, dst=MAG1) / ICMPv6EchoRequest())
row("lma/transport", "local", "UDP port 67 on a port that is not access", IP(src="192.0.2.77", dst=LMA4) / UDP(sport=68, dport=67) / Raw(b"\0" * 8))

# --- ICMPv6 errors about our tunnels ---
sent = IPv6(src=LMAA, dst=MAG1) / inner
sent4 = IPv6(src=LMAA, dst=MAG1) / inner4
for name, error in (("destination unreachable", ICMPv6DestUnreach(code=3)), ("packet too big", ICMPv6PacketTooBig(mtu=1400)),
                    ("time exceeded", ICMPv6TimeExceeded()), ("parameter problem", ICMPv6ParamProblem(ptr=40))):
    row("lma/transport", "redirected", f"{name} quoting our tunnel", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / error / sent)
row("lma/core", "redirected", "packet too big from the core side", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / sent)
row("lma/transport", "redirected", "error quoting our IPv4 tunnel packet", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6TimeExceeded() / sent4)
row("lma/transport", "redirected", "error quoting our tunnel packet with the encapsulation limit",
    IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6ParamProblem() / IPv6(src=LMAA, dst=MAG1) / tel / inner)
row("lma/transport", "redirected", "error quoting a fragment of our tunnel packet",
    IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6TimeExceeded(code=1) / IPv6(src=LMAA, dst=MAG1)
    / IPv6ExtHdrFragment(nh=41, m=1) / Raw(bytes(inner)))
row("lma/transport", "redirected", "error behind destination options",
    IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / tel / ICMPv6PacketTooBig() / sent)
row("lma/transport", "redirected", "error about a tunnel packet from our other address", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / IPv6(src=LMAA2, dst=MAG1) / inner)
row("lma/transport", "local", "error quoting two extension headers", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / IPv6(src=LMAA, dst=MAG1) / tel / tel / inner)
row("lma/transport", "local", "error quoting our signalling", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6DestUnreach() / IPv6(src=LMAA, dst=MAG1) / MIP6MH_BA())
row("lma/transport", "local", "error quoting our TCP", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / IPv6(src=LMAA, dst=CN) / TCP(sport=179))
row("lma/transport", "local", "error quoting somebody else's tunnel", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / IPv6(src=MAG2, dst=MAG1) / inner)
row("lma/transport", "local", "echo request that carries a tunnel packet", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6EchoRequest(data=bytes(sent)))
for number in (0, 5, 127, 129):
    row("lma/transport", "local", f"ICMPv6 type {number} is none of the four errors",
        IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig(type=number) / sent)
row("mag/transport", "redirected", "error at the MAG", IPv6(src=TRANSPORT_ROUTER, dst=MAG1) / ICMPv6PacketTooBig() / IPv6(src=MAG1, dst=LMAA) / up)
row("mag/access", "local", "a mobile node's forged error about our tunnel", IPv6(src=MN1, dst=MAG1) / ICMPv6PacketTooBig() / IPv6(src=MAG1, dst=LMAA) / up)

# --- anchored destinations ---
row("lma/core", "redirected", "core to a home network prefix", inner)
row("lma/core", "redirected", "core to the shared prefix", IPv6(src=CN, dst=MN3) / payload())
row("lma/core", "redirected", "core to an IPv4 home address", inner4)
row("lma/core", "redirected", "core to an unbound pool address (the worker decides)", IPv6(src=CN, dst="2001:db8:100:dead::1") / payload())
row("lma/core", "redirected", "core, RPUNT-5: mobility header to a mobile node is data", IPv6(src=CN, dst=MN1) / pbu)
row("lma/core", "redirected", "core, fragment to a mobile node", IPv6(src=CN, dst=MN1) / IPv6ExtHdrFragment(m=1) / payload())
row("lma/core", "redirected", "core, ESP to a mobile node", IPv6(src=CN, dst=MN1, nh=50) / ESP(spi=1, seq=1, data=b"\0" * 16))
row("lma/core", "redirected", "core, echo request to a mobile node", IPv6(src=CN, dst=MN1) / ICMPv6EchoRequest())
row("lma/core", "redirected", "core, DHCP server port to an IPv4 home address is data", IP(src=CN4, dst=MN1V4) / UDP(sport=67, dport=68) / Raw(b"\0" * 8))
row("lma/core", "redirected", "core, IPv4 with options", IP(src=CN4, dst=MN1V4, options=[IPOption(b"\x94\x04\0\0")]) / payload())
row("lma/stick", "redirected", "stick to a home network prefix", inner)
row("lma/core", "not-ours", "core to an address outside the pools", IPv6(src=CN, dst="2001:db8:101::1") / payload())
row("lma/core", "not-ours", "core to an IPv4 address outside the pools", IP(src=CN4, dst="203.0.114.10") / payload())
row("lma/transport", "not-ours", "pool destination on the transport port", inner)
row("lma/transport", "not-ours", "IPv4 pool destination on the transport port", inner4)
row("mag/transport", "not-ours", "plain packet to a mobile node on the MAG's transport port", inner)
row("lma/core", "not-ours", "::ffff:203.0.113.10 is IPv6 and no IPv4 pool", IPv6(src=CN, dst="::ffff:203.0.113.10") / payload())

# --- access links ---
row("mag/access", "redirected", "bound source", up)
row("mag/access", "redirected", "bound IPv4 source", up4)
row("mag/access", "redirected", "bound source from a foreign MAC (the worker checks)", up, src=ROGUE_MAC)
row("mag/access", "redirected", "S-33: foreign source of a mobile node (the worker drops it)", IPv6(src=ROGUE, dst=CN) / payload())
row("mag/access", "redirected", "S-33: foreign IPv4 source of a mobile node", IP(src="192.0.2.200", dst=CN4) / payload())
row("mag/access", "redirected", "link-local source of a mobile node to a global address", IPv6(src=MN_LL, dst=CN) / payload())
row("mag/access", "redirected", "RPUNT-5: a mobile node's BU to its own home agent", IPv6(src=MN1, dst="2001:db8:cafe::1") / pbu)
row("mag/access", "redirected", "a mobile node to another one", IPv6(src=MN1, dst=MN2) / payload())
row("mag/access", "visitor", "visitor source", IPv6(src=VISITOR, dst=CN) / payload(), src=VISITOR_MAC)
row("mag/access", "visitor", "visitor IPv4 source", IP(src=VISITOR4, dst=CN4) / payload(), src=VISITOR_MAC)
row("mag/access", "visitor", "visitor source from a mobile node's MAC", IPv6(src=VISITOR, dst=CN) / payload())
row("mag/access", "redirected", "bound address inside a visitor prefix: longest match", IPv6(src="2001:db8:aaaa::10", dst=CN) / payload(), src=VISITOR_MAC)
row("mag/access2", "redirected", "2.15: visitor source from another port (the worker drops it)", IPv6(src=VISITOR, dst=CN) / payload(), src=VISITOR_MAC)
row("mag/access2", "redirected", "2.15: visitor IPv4 source from another port", IP(src=VISITOR4, dst=CN4) / payload(), src=VISITOR_MAC)
row("mag/access", "redirected", "S-33: unknown source of an unknown station (the worker drops and tells)", IPv6(src=ROGUE, dst=CN) / payload(), src=ROGUE_MAC)
row("mag/access", "redirected", "S-33: unknown IPv4 source", IP(src="192.0.2.200", dst=CN4) / payload(), src=ROGUE_MAC)
row("mag/access2", "redirected", "S-33: unknown source on another port", IPv6(src=ROGUE, dst=CN) / payload())
row("mag/access", "redirected", "unspecified source to a global address (the worker drops it)", IPv6(src="::", dst=CN) / payload(), src=ROGUE_MAC)

# --- neighbour discovery, multicast, link-local, DHCP (RPUNT-1) ---
for name, message in (("RS", ICMPv6ND_RS()), ("RA", ICMPv6ND_RA()), ("NS", ICMPv6ND_NS(tgt=MN1)), ("NA", ICMPv6ND_NA(tgt=MN1)),
                      ("Redirect", ICMPv6ND_Redirect(tgt=MN_LL, dst=CN))):
    row("mag/access", "neighbor-discovery", f"unicast {name} to the MAG", IPv6(src=MN_LL, dst=MAG_LL, hlim=255) / message)
    row("mag/access", "neighbor-discovery", f"{name} to a global address", IPv6(src=MN1, dst=CN, hlim=255) / message)
    row("mag/access", "neighbor-discovery", f"{name} with a wrong hop limit is never forwarded", IPv6(src=MN1, dst=CN, hlim=64) / message)
for number in (132, 138):
    row("mag/access", "redirected", f"ICMPv6 type {number} beside ND's is data", IPv6(src=MN1, dst=CN) / ICMPv6EchoRequest(type=number))
row("mag/access", "redirected", "ND behind an extension header is no ND", IPv6(src=MN1, dst=CN, hlim=255) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / ICMPv6ND_NS(tgt=MN1))
row("lma/core", "neighbor-discovery", "NS for LMAA", IPv6(src=CN, dst=LMAA, hlim=255) / ICMPv6ND_NS(tgt=LMAA))
row("lma/core", "neighbor-discovery", "NS for a pool address", IPv6(src=CN, dst=MN1, hlim=255) / ICMPv6ND_NS(tgt=MN1))
row("mag/access", "other-mac", "multicast NS: the MAC is not ours", IPv6(src=MN1, dst="ff02::1:ff00:10", hlim=255) / ICMPv6ND_NS(tgt=MN1), dst="33:33:ff:00:00:10")
row("mag/access", "other-mac", "MLD report", IPv6(src=MN_LL, dst="ff02::16", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport2(), dst="33:33:00:00:00:16")
row("mag/access", "multicast", "MLD report in a unicast frame", IPv6(src=MN_LL, dst="ff02::16", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport2())
row("mag/access", "multicast", "MLD query in a unicast frame", IPv6(src=MN_LL, dst="ff02::1", hlim=1) / ICMPv6MLQuery())
row("mag/access", "multicast", "NS to a group in a unicast frame", IPv6(src=MN1, dst="ff02::1:ff00:10", hlim=255) / ICMPv6ND_NS(tgt=MN1))
row("mag/access", "multicast", "inverse ND solicitation", IPv6(src=MN1, dst="ff02::1", hlim=255) / ICMPv6ND_INDSol())
row("mag/access", "link-local", "inverse ND advertisement to the MAG", IPv6(src=MN_LL, dst=MAG_LL, hlim=255) / ICMPv6ND_INDAdv())
row("mag/access", "multicast", "RPUNT-9: global multicast", IPv6(src=MN1, dst="ff0e::1") / payload())
row("mag/access", "multicast", "RPUNT-9: mDNS", IPv6(src=MN1, dst="ff02::fb") / UDP(sport=5353, dport=5353))
row("mag/access", "multicast", "RPUNT-1: DHCPv6 to all servers", IPv6(src=MN_LL, dst="ff02::1:2") / UDP(sport=546, dport=547) / DHCP6_Solicit())
row("mag/access", "multicast", "IPv4 multicast", IP(src=MN1V4, dst="224.0.0.251") / payload())
row("mag/access", "multicast", "IPv4 multicast, upper end", IP(src=MN1V4, dst="239.255.255.255") / payload())
row("mag/access", "multicast", "limited broadcast in a unicast frame", IP(src=MN1V4, dst="255.255.255.255") / payload())
row("mag/access", "redirected", "240/4 is not multicast", IP(src=MN1V4, dst="240.0.0.1") / payload())
row("lma/core", "multicast", "multicast on the core port", IPv6(src=CN, dst="ff0e::1") / payload())
row("mag/access", "link-local", "echo to the MAG's link-local address", IPv6(src=MN_LL, dst=MAG_LL) / ICMPv6EchoRequest())
row("mag/access", "link-local", "link-local to link-local of another station", IPv6(src=MN_LL, dst="fe80::2") / payload())
row("mag/access", "link-local", "upper end of fe80::/10", IPv6(src=MN1, dst="febf::1") / payload())
row("mag/access", "redirected", "fec0:: is not link-local", IPv6(src=MN1, dst="fec0::1") / payload())
row("mag/access", "redirected", "fe7f:: is not link-local", IPv6(src=MN1, dst="fe7f::1") / payload())
row("lma/transport", "link-local", "tunnel packet to a link-local address", IPv6(src="fe80::9", dst="fe80::5") / up)
discover = UDP(sport=68, dport=67) / BOOTP(chaddr=b"\2\0\0\0\1\x10") / DHCP(options=[("message-type", "discover"), "end"])
row("mag/access", "other-mac", "DHCPv4 discover", IP(src="0.0.0.0", dst="255.255.255.255") / discover, dst=BROADCAST)
row("mag/access", "dhcp", "RPUNT-1: DHCPv4 renewal to a remote server", IP(src=MN1V4, dst="192.0.2.53") / discover)
row("mag/access", "dhcp", "DHCPv4 answer of a server on the link", IP(src=MN1V4, dst="192.0.2.53") / UDP(sport=67, dport=68) / BOOTP(op=2))
row("mag/access", "dhcp", "relay to relay: both ports 67", IP(src=MN1V4, dst="192.0.2.53") / UDP(sport=67, dport=67) / BOOTP())
row("mag/access", "dhcp", "DHCPv4 behind IPv4 options", IP(src=MN1V4, dst="192.0.2.53", options=[IPOption(b"\x94\x04\0\0")]) / discover)
row("mag/access", "dhcp", "DHCPv4 behind the longest IPv4 options",
    IP(src=MN1V4, dst="192.0.2.53", options=[IPOption(b"\x94\x04\0\0")] * 10) / discover)
row("mag/access", "redirected", "DHCP ports within the IPv4 options only",
    IP(src=MN1V4, dst="192.0.2.53", options=[IPOption(b"\0\x44\0\x43")] * 10) / payload())
row("mag/access", "dhcp", "first fragment of DHCPv4", IP(src=MN1V4, dst="192.0.2.53", flags="MF") / discover)
row("mag/access", "redirected", "later fragment whose data looks like DHCP ports", IP(src=MN1V4, dst="192.0.2.53", frag=10, proto=17) / Raw(b"\0\x44\0\x43" + b"\0" * 16))
row("mag/access", "redirected", "TCP port 67 is not DHCP", IP(src=MN1V4, dst="192.0.2.53") / TCP(sport=68, dport=67))
row("mag/access", "dhcp", "a known station without address asks by unicast", IP(src="0.0.0.0", dst="192.0.2.53") / discover, src=ROGUE_MAC)

# --- link layer (S-73, RX-3, RX-4) ---
row("mag/access", "arp", "ARP request", frame("mag/access", BROADCAST) / ARP(pdst="203.0.113.1"))
row("mag/access", "arp", "ARP reply to us", frame("mag/access") / ARP(op=2))
row("lma/core", "arp", "ARP in a VLAN", frame("lma/core", BROADCAST) / Dot1Q(vlan=7) / ARP())
row("mag/access", "ethertype", "S-73: PPPoE discovery", frame("mag/access", BROADCAST) / PPPoED())
row("mag/access", "ethertype", "S-73: PPPoE session", Ether(dst=PORT_MAC["mag/access"], src=MN1_MAC, type=0x8864) / Raw(b"\x11\0\0\1\0\x0c\xc0\x21" + b"\0" * 40))
row("mag/access", "ethertype", "EAPOL", frame("mag/access", "01:80:c2:00:00:03") / EAPOL(type=1))
row("mag/access", "ethertype", "LLDP", Ether(dst="01:80:c2:00:00:0e", src=MN1_MAC, type=0x88cc) / Raw(b"\2\7\4" + b"\0" * 43))
row("lma/core", "ethertype", "unknown EtherType", Ether(dst=PORT_MAC["lma/core"], src=FOREIGN_MAC, type=0x1234) / Raw(b"\0" * 46))
row("lma/core", "ethertype", "MPLS", Ether(dst=PORT_MAC["lma/core"], src=FOREIGN_MAC, type=0x8847) / Raw(b"\0" * 46))
row("lma/core", "ethertype", "IEEE 802.3 length field (STP)", Ether(dst="01:80:c2:00:00:00", src=FOREIGN_MAC, type=0x26) / Raw(b"\x42\x42\3" + b"\0" * 43))
for port, packet, name in (("lma/core", inner, "downlink"), ("lma/transport", IPv6(src=MAG1, dst=LMAA) / up, "tunnel packet"), ("mag/access", up, "uplink"), ("mag/access", up4, "IPv4 uplink")):
    row(port, "redirected", f"RX-3: {name}, one tag", frame(port) / Dot1Q(vlan=100) / packet)
    row(port, "redirected", f"RX-3: {name}, priority tag", frame(port) / Dot1Q(vlan=0, prio=5) / packet)
    row(port, "redirected", f"RX-3: {name}, service and customer tag", frame(port) / Dot1AD(vlan=200) / Dot1Q(vlan=100) / packet)
    row(port, "ethertype", f"{name} behind three tags", frame(port) / Dot1AD(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / packet)
    row(port, "other-mac", f"RX-4: {name} to a foreign MAC", packet, dst=FOREIGN_MAC)
    row(port, "other-mac", f"RX-5: {name} in a broadcast frame", packet, dst=BROADCAST)
    row(port, "other-mac", f"RX-5: {name} in a multicast frame", packet, dst="33:33:00:00:00:01")
    for octet in range(6):
        mac = bytearray.fromhex(PORT_MAC[port].replace(":", ""))
        mac[octet] ^= 0x40
        row(port, "other-mac", f"{name}: octet {octet} of the MAC differs", packet, dst=mac.hex(":"))

# --- malformed and cut short: 14 octets of Ethernet, then ---
row("lma/core", "malformed", "version 4 in an IPv6 frame", Ether(dst=PORT_MAC["lma/core"], src=FOREIGN_MAC, type=0x86dd) / Raw(b"\x45" + bytes(inner)[1:]))
row("lma/core", "malformed", "version 6 in an IPv4 frame", Ether(dst=PORT_MAC["lma/core"], src=FOREIGN_MAC, type=0x0800) / Raw(b"\x60" + bytes(inner4)[1:]))
row("lma/core", "malformed", "IPv4 header length 4", Ether(dst=PORT_MAC["lma/core"], src=FOREIGN_MAC, type=0x0800) / Raw(b"\x44" + bytes(inner4)[1:]))
row("lma/core", "malformed", "Ethernet header alone, IPv6", inner, cut=14)
row("lma/core", "malformed", "39 octets of IPv6", inner, cut=14 + 39)
row("lma/core", "redirected", "40 octets of IPv6 (the worker checks the length)", inner, cut=14 + 40)
row("lma/core", "malformed", "19 octets of IPv4", inner4, cut=14 + 19)
row("lma/core", "redirected", "20 octets of IPv4", inner4, cut=14 + 20)
row("lma/core", "malformed", "half a VLAN tag", frame("lma/core") / Dot1Q(vlan=1) / inner, cut=14 + 3)
row("lma/core", "malformed", "second VLAN tag missing", frame("lma/core") / Dot1AD(vlan=1) / Dot1Q(vlan=2) / inner, cut=14 + 4)
row("lma/transport", "local", "options header cut after one octet", IPv6(src=MAG1, dst=LMAA) / tel / up, cut=14 + 41)
row("lma/transport", "local", "options header cut before its end", IPv6(src=MAG1, dst=LMAA) / tel / up, cut=14 + 47)
row("lma/transport", "redirected", "options header just complete", IPv6(src=MAG1, dst=LMAA) / tel / up, cut=14 + 48)
row("lma/transport", "local", "options length past the frame", IPv6(src=MAG1, dst=LMAA, nh=60) / Raw(b"\x29\xff\1\4\0\0\0\0" + bytes(up)))
row("lma/transport", "local", "error with 7 octets of ICMPv6 header", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / sent, cut=14 + 47)
row("lma/transport", "local", "error quoting 39 octets", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / sent, cut=14 + 48 + 39)
row("lma/transport", "redirected", "error quoting just our outer header", IPv6(src=TRANSPORT_ROUTER, dst=LMAA) / ICMPv6PacketTooBig() / sent, cut=14 + 48 + 40)
row("mag/access", "redirected", "UDP ports cut off: not known to be DHCP", IP(src=MN1V4, dst="192.0.2.53") / discover, cut=14 + 23)
row("mag/access", "dhcp", "UDP ports just complete", IP(src=MN1V4, dst="192.0.2.53") / discover, cut=14 + 24)
row("mag/access", "redirected", "ICMPv6 type cut off", IPv6(src=MN1, dst=CN, hlim=255) / ICMPv6ND_NS(tgt=MN1), cut=14 + 40)
row("mag/access", "neighbor-discovery", "ICMPv6 type just there", IPv6(src=MN1, dst=CN, hlim=255) / ICMPv6ND_NS(tgt=MN1), cut=14 + 41)

target = pathlib.Path(__file__).with_name("steering.tsv")
target.write_text("".join("\t".join(fields) + "\n" for fields in rows))
print(f"{len(rows)} packets in {target}")
