"""Many IPv6 routes to nexthop objects by rtnetlink, hundreds in a message: a million by `ip -batch` takes minutes."""

import os
import socket
import struct

NEWROUTE, ERROR = 24, 2
REQUEST, ACK, EXCLUSIVE, CREATE = 0x1, 0x4, 0x200, 0x400
DESTINATION, NEXTHOP = 1, 30
MAIN, STATIC, UNIVERSE, UNICAST = 254, 4, 0, 1
#: Netlink header, struct rtmsg, destination, nexthop object.
ROUTE = struct.Struct("=IHHII BBBBBBBBI HH16s HHI")
AT_ONCE = 500


def add_routes(namespace, routes):
    """Adds (64-bit prefix number, nexthop object) pairs as /64 routes; an error of the kernel's is raised."""
    with namespace.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        kernel.settimeout(60)
        kernel.bind((0, 0))
        waiting = []
        for route in routes:
            waiting.append(route)
            if len(waiting) == AT_ONCE:
                send(kernel, waiting)
                waiting.clear()
        if waiting:
            send(kernel, waiting)


def send(kernel, routes):
    """One message of many routes, of which the last is acknowledged."""
    flags = REQUEST | CREATE | EXCLUSIVE
    octets = b"".join(
        ROUTE.pack(
            ROUTE.size, NEWROUTE, flags | (ACK if index == len(routes) - 1 else 0), index, 0,
            socket.AF_INET6, 64, 0, 0, MAIN, STATIC, UNIVERSE, UNICAST, 0,
            20, DESTINATION, prefix.to_bytes(8, "big") + bytes(8),
            8, NEXTHOP, nexthop,
        )
        for index, (prefix, nexthop) in enumerate(routes)
    )  # fmt: skip
    kernel.send(octets)
    while True:
        reply = kernel.recv(1 << 16)
        kind, sequence = struct.unpack_from("=HxxI", reply, 4)
        code = struct.unpack_from("=i", reply, 16)[0] if kind == ERROR else 0
        if code:
            raise OSError(-code, f"route to {routes[sequence][0]:016x}::/64: {os.strerror(-code)}")
        if sequence == len(routes) - 1:
            return
