"""Packets as plain octets, for tests that need very many of them. Written from RFC 8200, 791 and 2473; no library."""

import functools
import socket
import struct

NO_NEXT_HEADER = 59  # RFC 8200 section 4.7: octets behind it are carried unchanged
EXPERIMENT = 253


@functools.cache
def address(text):
    """Network order."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


@functools.cache
def number(text):
    """(version, value) of an address."""
    return (6 if ":" in text else 4), int.from_bytes(address(text), "big")


@functools.cache
def mac(text):
    """Six octets."""
    return bytes.fromhex(text.replace(":", ""))


def packet(source, destination, hops, payload):
    """An IPv6 or IPv4 packet without a transport header."""
    if ":" in source:
        head = struct.pack("!IHBB", 0x60000000, len(payload), NO_NEXT_HEADER, hops)
        return head + address(source) + address(destination) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, hops, EXPERIMENT, 0)
    head += address(source) + address(destination)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", checksum) + head[12:] + payload


def encapsulated(source, destination, inner, hops=64):
    """An IPv6 header in front of a packet."""
    next_header = 41 if inner[0] >> 4 == 6 else 4
    head = struct.pack("!IHBB", 0x60000000, len(inner), next_header, hops)
    return head + address(source) + address(destination) + inner


def frame(source, destination, octets):
    """An Ethernet header in front of a packet."""
    return mac(destination) + mac(source) + (b"\x86\xdd" if octets[0] >> 4 == 6 else b"\x08\x00") + octets


def is_icmp_error(data):
    """Whether a frame carries an ICMP error, plain or behind tunnel headers."""
    octets = data[14:]
    while octets[0] >> 4 == 6 and octets[6] in (41, 4):
        octets = octets[40:]
    if octets[0] >> 4 == 6:
        return octets[6] == 58 and octets[40] < 128
    return octets[9] == 1 and octets[20] in (3, 11, 12)
