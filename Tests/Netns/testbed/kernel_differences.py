"""Where this plane means to differ from the kernel's segment routing: rules that turn the kernel's packets into ours.

`tunnel_samples.py` marks the packets that a rule concerns. The words are those of docs/KERNEL_DIFFERENCES.md.
"""

from dataclasses import dataclass

from .packets import header4, patched

# RFC 6040 section 4.2, figure 4: rows inner, columns outer, both 00, 01, 10, 11; None drops.
FIGURE_4 = ((0, 0, 0, None), (1, 1, 1, 3), (2, 1, 2, 3), (3, 3, 3, 3))


@dataclass
class Difference:
    """One intended difference: what the plane sends instead of the kernel's packet, None for nothing."""

    words: str
    # The packets it concerns, by tag; empty: all.
    tag: str
    mend: object


def hops(sample, kernel):
    """The tunnel's own hop limit outside, one hop less inside."""
    out = patched(kernel, 7, b"\x40")
    if out[6] == 41:
        return patched(out, 47, bytes([out[47] - 1]))
    return out[:40] + header4(patched(out[40:], 8, bytes([out[48] - 1])))


def service(sample, kernel):
    """The IPv4 packet's octet as the outer traffic class."""
    if kernel[6] != 4:
        return kernel
    octet = kernel[41]
    return patched(kernel, 0, bytes([0x60 | octet >> 4, octet << 4 & 0xF0]))


def limited(sample, kernel):
    """A destination options header with one less; nothing at zero."""
    if sample.limit == 0:
        return None
    length = int.from_bytes(kernel[4:6], "big") + 8
    head = patched(patched(kernel[:40], 4, length.to_bytes(2, "big")), 6, b"\x3c")
    return head + bytes([kernel[6], 0, 4, 1, sample.limit - 1, 1, 1, 0]) + kernel[40:]


def congestion(sample, kernel):
    """The inner field that RFC 6040 wants."""
    inner_is_6 = kernel[0] >> 4 == 6
    field = kernel[1] >> 4 & 3 if inner_is_6 else kernel[1] & 3
    merged = FIGURE_4[field][sample.outer_ecn]
    if merged is None:
        return None
    if inner_is_6:
        return patched(kernel, 1, bytes([kernel[1] & 0xCF | merged << 4]))
    return header4(patched(kernel, 1, bytes([kernel[1] & 0xFC | merged])))


def trimmed(sample, kernel):
    """As long as the packet says."""
    length = 40 + int.from_bytes(kernel[4:6], "big") if kernel[0] >> 4 == 6 else int.from_bytes(kernel[2:4], "big")
    return kernel[:length]


def nothing(sample, kernel):
    """Dropped."""


ENTRY = [
    Difference(
        "an IPv4 packet whose TTL is used up does not enter the tunnel (RFC 1812 section 5.3.1); the kernel tunnels it",
        "ttl",
        nothing,
    ),
    Difference(
        "the outer hop limit is the tunnel's and the inner one is decremented once (RFC 2473 sections 3.1 and 6.3); "
        "the kernel copies the inner one, decrements that copy and leaves the inner packet as it was",
        "",
        hops,
    ),
    Difference(
        "the octet of an IPv4 packet's type of service is the outer traffic class (RFC 6040 section 4.1, RFC 2983 "
        "section 3.1); the kernel sets 0",
        "",
        service,
    ),
    Difference(
        "an encapsulation limit in the packet is counted down in the tunnel header of ours, and 0 is refused (RFC 2473 "
        "section 4.1.1); the kernel does not look",
        "limit",
        limited,
    ),
    Difference(
        "addresses that no router forwards do not enter the tunnel (RFC 4291 sections 2.5.3 and 2.5.6); the kernel "
        "tunnels some",
        "martian",
        nothing,
    ),
    Difference(
        "an address of a pool is no source outside (ingress filtering); the kernel has no such rule",
        "pool",
        nothing,
    ),
]
EXIT = [
    Difference(
        "congestion marked on the outer header reaches the inner one, or drops what does not understand it (RFC 6040 "
        "section 4.2); the kernel forgets it",
        "",
        congestion,
    ),
    Difference(
        "octets behind the inner packet are cut off (RFC 8200 section 3); the kernel sends them on",
        "trailing",
        trimmed,
    ),
    Difference(
        "an inner packet that is longer than the outer one, or of a wrong version, is dropped; the kernel sends it on",
        "broken",
        nothing,
    ),
    Difference(
        "an inner IPv4 header with a wrong checksum is dropped (RFC 1812 section 5.2.2); the kernel sends it on",
        "checksum",
        nothing,
    ),
    Difference(
        "only the tunnel of the inner source's binding is opened (RFC 5213 section 5.6.2); the kernel opens any",
        "stranger",
        nothing,
    ),
    Difference(
        "addresses that no router forwards are dropped (RFC 4291 section 2.5.6); the kernel sends some on",
        "martian",
        nothing,
    ),
    Difference(
        "unknown options of the tunnel header that forbid it, and routing headers with segments left, drop the packet "
        "(RFC 8200 section 4.2, RFC 5095); the kernel skips them",
        "options",
        nothing,
    ),
]
