"""The kernel as the entry and the exit of one tunnel: frames in on one side, frames out on the other, one by one."""

import os

from . import frames

_FORWARD = {
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.seg6_enabled": 1,
    # The outer flow label is 0, as the plane's is where it is compared.
    "net.ipv6.seg6_flowlabel": -1,
}


class KernelRouter:
    """An LMA of the kernel's own segment routing: core and transport as in the rows' world, every neighbour fixed.

    `bed` makes and removes the namespaces. Nothing of this project runs in them.
    """

    def __init__(self, bed, world):
        self.world = world
        self.cn, self.router, self.mag = (bed.namespace(role) for role in ("cn", "lma", "mag1"))
        for namespace in (self.cn, self.mag):
            # Nobody but the router answers or announces anything.
            namespace.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        bed.link(self.cn, "core", self.router, "core", mac_a=world.CN_MAC, mac_b=world.CORE_MAC)
        bed.link(
            self.router, "transport", self.mag, "transport", mtu=1600, mac_a=world.TRANSPORT_MAC, mac_b=world.MAG1_MAC
        )
        self._configure()
        self.ports = {
            "core": frames.RawPort(self.cn, "core"),
            "transport": frames.RawPort(self.mag, "transport"),
        }
        for port in self.ports.values():
            bed.on_close(port.close)

    def _configure(self):
        world, router = self.world, self.router
        router.sysctl({**_FORWARD, "net.ipv6.conf.core.seg6_enabled": 1, "net.ipv6.conf.transport.seg6_enabled": 1})
        router.run(["ip", "sr", "tunsrc", "set", world.LMAA])
        router.ip(
            f"neigh add {world.MAG1} lladdr {world.MAG1_MAC} dev transport nud permanent",
            f"neigh add {world.CN} lladdr {world.CN_MAC} dev core nud permanent",
            f"neigh add {world.CN4} lladdr {world.CN_MAC} dev core nud permanent",
            "addr add 198.51.100.254/24 dev core",
            f"route add {world.CN}/128 dev core",
            f"route add {world.MAG1}/128 dev transport",
            f"route add {world.HNP1} encap seg6 mode encap.red segs {world.MAG1} dev transport",
            f"route add {world.HOA1}/32 encap seg6 mode encap.red segs {world.MAG1} dev transport",
        )
        # By the outer next header, since the action for IPv4 is another.
        router.ip(
            f"rule add to {world.LMAA} ipproto ipencap lookup 104",
            f"route add {world.LMAA}/128 encap seg6local action End.DX6 nh6 {world.CN} dev transport",
            f"route add {world.LMAA}/128 table 104 encap seg6local action End.DX4 nh4 {world.CN4} dev transport",
            family=6,
        )

    def forward(self, side, far, inputs, marker):
        """What leaves on `far` for each frame put in on `side`: a list of lists of frames.

        `marker(number)` is a frame that surely passes, and can be told by its last octets; it follows each input, so
        that nobody waits for a packet that was dropped. All runs on one CPU, which keeps the order.
        """
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cpus)})
        try:
            return [self._forward(side, far, frame, marker(number)) for number, frame in enumerate(inputs)]
        finally:
            os.sched_setaffinity(0, cpus)

    def _forward(self, side, far, frame, mark):
        self.ports[side].send(frame)
        self.ports[side].send(mark)
        out = []
        while True:
            # Group addresses: the router's own announcements.
            got = self.ports[far].receive(timeout=2, count=1, accept=lambda frame: not frame[0] & 1)
            if not got:
                raise TimeoutError(f"{side}: the marker behind {frame.hex()} did not arrive")
            if got[0].endswith(mark[-16:]):
                return out
            out += got
