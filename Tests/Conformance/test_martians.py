"""Addresses that are never forwarded (RFC 4291, RFC 1812 section 5.3.7), plain and inside a tunnel."""

import unittest

from rows import Conformance, Row, drops, forwards, punts
from world import *

SOURCES6 = {"unspecified": "::", "loopback": "::1", "multicast": "ff0e::1", "link-local": "fe80::9"}
DESTINATIONS6 = {"unspecified": "::", "loopback": "::1", "link-local": "fe80::9", "link-scope multicast": "ff02::9"}
SOURCES4 = {
    "this network": "0.1.2.3",
    "loopback": "127.0.0.1",
    "multicast": "224.0.0.9",
    "class E": "240.0.0.1",
    "limited broadcast": "255.255.255.255",
}
DESTINATIONS4 = {
    "this network": "0.1.2.3",
    "loopback": "127.0.0.1",
    "limited broadcast": "255.255.255.255",
    "link-scope multicast": "224.0.0.9",
}
# Inside a tunnel or from an access link several checks stop such a source; which speaks first is open.
SOURCE_REASONS = ("martian", "source-not-bound", "link-local-source", "malformed")
DESTINATION_REASONS = ("martian", "no-route", "not-on-link", "no-binding")


def down(source, destination, make):
    """A core packet."""
    return from_cn(make(source, destination))


def in_tunnel(source, destination, make):
    """A tunnel packet from MAG1."""
    return from_mag(tunnel(MAG1, LMAA, make(source, destination)))


# Next to the blocks that are never forwarded (RFC 4291 section 2.4, the IPv4-mapped and -compatible ::/80): these are.
NEIGHBOURS6 = ("0:0:0:1::1", "::1:0:0:1", "fdff:ffff:ffff:ffff::1", "fe00::1", "fe7f:ffff::1", "fec0::1", "feff:ffff::1")
# The last of the link-local block, and two of ::/80, the last among them.
EDGES6 = {"febf:ffff::1": "link-local-source", "::2": "martian", "::ffff:ffff:ffff": "martian"}


def edges():
    """Both sides of the limits of what is never forwarded."""
    steps = [down(address, MN1, udp6) for address in EDGES6]
    yield Row(
        "R4291-1",
        "LMA, core, sources at the edges of what is never forwarded",
        LMA,
        [drops("core", frame, reason) for frame, reason in zip(steps, EDGES6.values(), strict=True)],
        list(LMA_RECORDS),
    )
    forwarded = []
    for address in NEIGHBOURS6:
        arrives, leaves = downlink(udp6(address, MN1), udp6(address, MN1, hops=63))
        forwarded.append(forwards("core", arrives, "transport", leaves))
    yield Row(
        "R4291-1", "LMA, core, sources next to what is never forwarded", LMA, forwarded, list(LMA_RECORDS))


def rows():
    """Every bad address at every place it can arrive."""
    for make, sources, destinations, node, peer, identifier in (
        (udp6, SOURCES6, DESTINATIONS6, MN1, CN, "R4291-1"),
        (udp4, SOURCES4, DESTINATIONS4, HOA1, CN4, "R1812-1"),
    ):
        for name, address in sources.items():
            plain = ("martian", "link-local-source") if name == "link-local" else ("martian",)
            yield Row(
                identifier,
                f"LMA, core, source {name}",
                LMA,
                [drops("core", down(address, node, make), *plain)],
                list(LMA_RECORDS),
            )
            yield Row(
                identifier,
                f"LMA, inside a tunnel, source {name}",
                LMA,
                [drops("transport", in_tunnel(address, peer, make), *SOURCE_REASONS)],
                list(LMA_RECORDS),
            )
            yield Row(
                identifier,
                f"MAG, access link, source {name}",
                MAG,
                [drops("access1", from_mn(make(address, peer)), *SOURCE_REASONS)],
                list(MAG_RECORDS),
            )
            # Inside the LMA's tunnel the source is the LMA's word, but these are never forwarded.
            yield Row(
                identifier,
                f"MAG, inside a tunnel, source {name}",
                MAG,
                [drops("transport", from_lma(tunnel(LMAA, MAG1, make(address, node))), *SOURCE_REASONS)],
                list(MAG_RECORDS),
            )
        for name, address in destinations.items():
            yield Row(
                identifier,
                f"LMA, inside a tunnel, destination {name}",
                LMA,
                [drops("transport", in_tunnel(node, address, make), *DESTINATION_REASONS)],
                list(LMA_RECORDS),
            )
            yield Row(
                identifier,
                f"MAG, inside a tunnel, destination {name}",
                MAG,
                [drops("transport", from_lma(tunnel(LMAA, MAG1, make(peer, address))), *DESTINATION_REASONS)],
                list(MAG_RECORDS),
            )
    # From an access link the steering program knows destinations that never leave the link.
    yield Row(
        "R4291-1",
        "MAG, access link, destination loopback or unspecified",
        MAG,
        [drops("access1", from_mn(udp6(MN1, address)), *DESTINATION_REASONS) for address in ("::1", "::")],
        list(MAG_RECORDS),
    )
    yield Row(
        "R1812-1",
        "MAG, access link, destination loopback or this network",
        MAG,
        [drops("access1", from_mn(udp4(HOA1, address)), *DESTINATION_REASONS) for address in ("127.0.0.1", "0.1.2.3")],
        list(MAG_RECORDS),
    )
    yield Row(
        "R1812-1",
        "MAG, access link, destination multicast or broadcast",
        MAG,
        [punts("access1", from_mn(udp4(HOA1, address)), "multicast") for address in ("224.0.0.9", "255.255.255.255")],
        list(MAG_RECORDS),
    )


class Martians(Conformance):
    """Never forwarded."""

    rows = [*rows(), *edges()]


if __name__ == "__main__":
    unittest.main()
