"""ICMP errors as Scapy builds them, with the quotes that RFC 4443 and RFC 1812 ask for."""

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import IPv6, ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded
from scapy.packet import Raw

LONGEST6 = 1280
LONGEST4 = 576


def error6(source, destination, message, about, hops=64):
    """An ICMPv6 error with as much of the packet it is about as fits in 1280 octets (RFC 4443 section 2.4 (c))."""
    return IPv6(src=source, dst=destination, hlim=hops) / message / Raw(bytes(about)[: LONGEST6 - 40 - 8])


def error4(source, destination, kind, code, about, ttl=64, **fields):
    """An ICMPv4 error of at most 576 octets and precedence 6 (RFC 1812 sections 4.3.2.3 and 4.3.2.5)."""
    packet = IP(src=source, dst=destination, ttl=ttl, tos=0xC0, id=0, flags="DF")
    return packet / ICMP(type=kind, code=code, **fields) / Raw(bytes(about)[: LONGEST4 - 20 - 8])


def time_exceeded(code=0):
    """Hop limit, or reassembly time."""
    return ICMPv6TimeExceeded(code=code)


def unreachable(code):
    """Destination unreachable."""
    return ICMPv6DestUnreach(code=code)


def too_big(mtu):
    """Packet too big."""
    return ICMPv6PacketTooBig(mtu=mtu)


def parameter(pointer, code=0):
    """Parameter problem."""
    return ICMPv6ParamProblem(code=code, ptr=pointer)
