"""The reference topology as the rows see it: one LMA or one MAG in replay, its MAC addresses, its static next hops."""

import os
import sys

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Netns"))

from testbed.addresses import *  # noqa: E402,F401,F403  the names of the reference topology are meant to be used bare
from testbed.addresses import (  # noqa: E402
    CN,
    CN4,
    HNP1,
    HNP2,
    HOA1,
    HOA2,
    LMA_ROUTER4,
    LMAA,
    LMAA2,
    MAG1,
    MAG2,
    MAG_MAC,
    MN1_MAC,
    MN2_MAC,
    MN3,
    MN4,
    POOLS,
)
from testbed.configuration import Configuration, port  # noqa: E402
from testbed.records import lma_binding, mag_binding  # noqa: E402

CN_MAC = "02:00:00:00:0c:01"
CORE_MAC = "02:00:00:00:0c:fe"
TRANSPORT_MAC = "02:00:00:00:0e:fe"
MAG1_MAC = "02:00:00:00:0e:01"
MAG2_MAC = "02:00:00:00:0e:02"
MN3_MAC = "02:00:00:00:03:30"
MAG_TRANSPORT_MAC = "02:00:00:00:0e:0a"
GATEWAY_MAC = "02:00:00:00:0e:ff"
LMA2 = "2001:db8:1:2::1"

LMA = Configuration(
    **{
        "role": "lma",
        "router-addresses": [LMAA, LMA_ROUTER4],
        "local-addresses": [LMAA, LMAA2],
        "pools": POOLS,
        "ports": [
            port("core", "core", mac=CORE_MAC, mtu=1500),
            port("transport", "transport", mac=TRANSPORT_MAC, mtu=1600),
        ],
        "kernel-sync": False,
        "routes": [
            {"prefix": "::/0", "via": CN, "port": "core"},
            {"prefix": "0.0.0.0/0", "via": CN4, "port": "core"},
            {"prefix": "2001:db8:a::/48", "via": "2001:db8:e::a", "port": "transport"},
            {"prefix": "2001:db8:b::/48", "via": "2001:db8:e::b", "port": "transport"},
        ],
        "neighbors": [
            {"address": CN, "port": "core", "mac": CN_MAC},
            {"address": CN4, "port": "core", "mac": CN_MAC},
            {"address": "2001:db8:e::a", "port": "transport", "mac": MAG1_MAC},
            {"address": "2001:db8:e::b", "port": "transport", "mac": MAG2_MAC},
        ],
        # The outer label is a keyed hash otherwise; test_flow_label.py is about that.
        "tunnel-defaults": {"flow-label": "zero"},
    }
)

LMA_RECORDS = [
    lma_binding(HNP1, MAG1, local=LMAA, mn="mn1"),
    lma_binding(f"{HOA1}/32", MAG1, local=LMAA, mn="mn1"),
    lma_binding(HNP2, MAG2, local=LMAA, mn="mn2"),
    lma_binding(f"{HOA2}/32", MAG2, local=LMAA, mn="mn2"),
    lma_binding(f"{MN3}/128", MAG1, local=LMAA, mn="mn3"),
    lma_binding(f"{MN4}/128", MAG2, local=LMAA, mn="mn4"),
]

MAG = Configuration(
    **{
        "role": "mag",
        "router-addresses": [MAG1],
        "local-addresses": [MAG1],
        "ports": [
            port("transport", "transport", mac=MAG_TRANSPORT_MAC, mtu=1600),
            # An access port's MAC is the fixed one of RFC 6543 by itself; rows check that.
            port("access1", "access", mtu=1500, mac=MAG_MAC),
            port("access2", "access", mtu=1500, mac=MAG_MAC),
        ],
        "kernel-sync": False,
        "routes": [{"prefix": "::/0", "via": "2001:db8:e::1", "port": "transport"}],
        "neighbors": [{"address": "2001:db8:e::1", "port": "transport", "mac": GATEWAY_MAC}],
        "tunnel-defaults": {"flow-label": "zero"},
    }
)


def at_mag(prefix, mac, port_name, mn, *, remote=LMAA, **more):
    """A binding of MAG1."""
    return mag_binding(prefix, local=MAG1, remote=remote, port=port_name, mac=mac, mn=mn, **more)


# MN1 and MN3 share access1; MN2 is alone on access2 and has an LMA of its own for S-19 only where a row says so.
MAG_RECORDS = [
    at_mag(HNP1, MN1_MAC, "access1", "mn1"),
    at_mag(f"{HOA1}/32", MN1_MAC, "access1", "mn1"),
    at_mag(HNP2, MN2_MAC, "access2", "mn2"),
    at_mag(f"{HOA2}/32", MN2_MAC, "access2", "mn2"),
    at_mag(f"{MN3}/128", MN3_MAC, "access1", "mn3"),
]


def udp6(source, destination, hops=64, payload=b"fastpath" * 8, **fields):
    """An IPv6 packet with UDP, by default 64 octets of payload."""
    return IPv6(src=source, dst=destination, hlim=hops, **fields) / UDP(sport=4000, dport=4001) / Raw(payload)


def udp4(source, destination, ttl=64, payload=b"fastpath" * 8, **fields):
    """An IPv4 packet with UDP; Scapy fills in lengths and checksums."""
    fields.setdefault("id", 4711)
    return IP(src=source, dst=destination, ttl=ttl, **fields) / UDP(sport=4000, dport=4001) / Raw(payload)


def tunnel(source, destination, inner, hops=64, **fields):
    """An IPv6 tunnel header in front of a packet."""
    return IPv6(src=source, dst=destination, hlim=hops, **fields) / inner


def from_cn(packet):
    """A frame that arrives on the LMA's core port."""
    return Ether(src=CN_MAC, dst=CORE_MAC) / packet


def to_cn(packet):
    """A frame that leaves the LMA's core port."""
    return Ether(src=CORE_MAC, dst=CN_MAC) / packet


def from_mag(packet, mac=MAG1_MAC):
    """A frame that arrives on the LMA's transport port."""
    return Ether(src=mac, dst=TRANSPORT_MAC) / packet


def to_mag(packet, mac=MAG1_MAC):
    """A frame that leaves the LMA's transport port."""
    return Ether(src=TRANSPORT_MAC, dst=mac) / packet


def from_lma(packet):
    """A frame that arrives on the MAG's transport port."""
    return Ether(src=GATEWAY_MAC, dst=MAG_TRANSPORT_MAC) / packet


def to_lma(packet):
    """A frame that leaves the MAG's transport port."""
    return Ether(src=MAG_TRANSPORT_MAC, dst=GATEWAY_MAC) / packet


def from_mn(packet, mac=MN1_MAC):
    """A frame that arrives on an access port."""
    return Ether(src=mac, dst=MAG_MAC) / packet


def to_mn(packet, mac=MN1_MAC):
    """A frame that leaves an access port."""
    return Ether(src=MAG_MAC, dst=mac) / packet


def downlink(inner_in, inner_out, remote=MAG1, mac=MAG1_MAC, local=LMAA, **outer):
    """The pair of frames of one LMA downlink packet."""
    return from_cn(inner_in), to_mag(tunnel(local, remote, inner_out, **outer), mac)


def uplink(inner_in, inner_out, remote=MAG1, mac=MAG1_MAC, local=LMAA, **outer):
    """The pair of frames of one LMA uplink packet."""
    return from_mag(tunnel(remote, local, inner_in, **outer), mac), to_cn(inner_out)


def patched(packet, offset, octets):
    """A packet with some octets replaced, checksums as they were."""
    data = bytearray(bytes(packet))
    data[offset : offset + len(octets)] = octets
    return Raw(bytes(data))


def raw_core(data, ethertype=0x86DD):
    """Raw octets on the LMA's core port."""
    return bytes(Ether(src=CN_MAC, dst=CORE_MAC, type=ethertype)) + bytes(data)


def raw_transport(data):
    """Raw octets on the LMA's transport port."""
    return bytes(Ether(src=MAG1_MAC, dst=TRANSPORT_MAC, type=0x86DD)) + bytes(data)
