"""What a device under test makes of the frames, decoded by Scapy: a fast device that tunnels wrongly is none."""

import time

from bench import ANCHOR, DOWN, MACS, gateway, prefix_number
from results import Wrong

CORRESPONDENT = "2001:db8:c::1"
#: Inverse of frame.h's odd factor.
INVERSE = pow(0x9E3779B1, -1, 1 << 24)
HOPS = 64
#: Which of the two hop limits counts the device: the kernel's encapsulation leaves the inner one.
KERNEL = "seg6"


def verify(device, direction, size):
    """Decodes the first frames behind a device since they were last asked for. Returns how many were right."""
    frames = [bytes.fromhex(word) for word in device.ask(direction, "samples").split()]
    if not frames:
        raise Wrong(f"{device.name}: no frame of {direction} to look at")
    for frame in frames:
        try:
            expect(device, direction, frame, size)
        except Wrong as reason:
            raise Wrong(f"{device.name}, {direction}: {reason}: {frame.hex()}") from None
    return len(frames)


def expect(device, direction, frame, size):
    """One frame, of which the first octets were kept."""
    from scapy.layers.inet6 import UDP, IPv6
    from scapy.layers.l2 import Ether

    macs = ("transport1", "mag") if direction == DOWN else ("core", "cn")
    packet = Ether(frame)
    same("link-layer addresses", (packet.src, packet.dst), tuple(MACS[end] for end in macs))
    outer = packet[IPv6]
    inner = outer
    if device.tunnelled[direction]:
        same("outer next header", outer.nh, 41)
        inner = outer.payload
        same("outer payload length", outer.plen, size - 14)
        same("inner version", (inner.name, inner.version), ("IPv6", 6))
    node = inner.dst if direction == DOWN else inner.src
    binding = (number(node) * INVERSE) & 0xFFFFFF
    if binding >= device.bindings:
        raise Wrong(f"{node} is of binding {binding} of {device.bindings}")
    same("correspondent", inner.src if direction == DOWN else inner.dst, CORRESPONDENT)
    same("inner payload length", inner.plen, size - 14 - 40)
    same("ports", (inner[UDP].dport, inner[UDP].len), (9, size - 14 - 40))
    if device.tunnelled[direction]:
        ends = (ANCHOR, gateway(binding))
        same("tunnel", (outer.src, outer.dst), ends if direction == DOWN else ends[::-1])
    hops = (outer.hlim, inner.hlim) if device.tunnelled[direction] else (inner.hlim,)
    same("hop limits", hops, hop_limits(device, direction))


def hop_limits(device, direction):
    """Outer and inner hop limit, or the only one."""
    if device.name == "l2fwd":
        return (HOPS,) if direction == DOWN else (HOPS, HOPS)
    if direction != DOWN:
        return (HOPS - 1,)
    return (HOPS - 1, HOPS) if device.name == KERNEL else (HOPS, HOPS - 1)


def number(node):
    """The 24 bits that name a binding."""
    import ipaddress

    upper = int(ipaddress.IPv6Address(node)) >> 64
    same("the mobile node's network", upper >> 24, prefix_number(0) >> 24)
    return upper & 0xFFFFFF


def same(what, seen, wanted):
    """Raises where they differ."""
    if seen != wanted:
        raise Wrong(f"{what} {seen}, expected {wanted}")


def sample(device, direction, size=78):
    """Sends a few frames at an even pace and decodes what comes out."""
    device.ask(direction, "samples")
    before = device.totals(direction)[1]
    generator = device.generate(
        destinations=device.bindings, seconds=0.05, size=size, rate=2000, direction=direction
    )
    generator.communicate(timeout=20)
    # On a busy machine a worker may come to them late.
    device.await_frames(direction, before)
    time.sleep(0.2)
    return verify(device, direction, size)
