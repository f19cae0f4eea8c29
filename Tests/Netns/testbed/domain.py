"""The reference domain: CN – LMA – MAG1 and MAG2 – MN1 and MN2, with addresses, routes and three daemons at will."""

from . import configuration, records
from .addresses import (
    CN,
    CN4,
    EDGE_MTU,
    GATEWAY4,
    HNP1,
    HNP2,
    HOA1,
    HOA2,
    LMA_CORE,
    LMA_CORE4,
    LMAA,
    LMAA2,
    MAG1,
    MAG2,
    MAG_LINK_LOCAL,
    MAG_MAC,
    MN1,
    MN1_MAC,
    MN2,
    MN2_MAC,
    TRANSPORT1,
    TRANSPORT2,
    TRANSPORT3,
    TRANSPORT_MTU,
)
from .bed import Bed
from .daemon import Daemon


class Domain(Bed):
    """Six namespaces and their links. MN1 has a leg (same MAC) at each MAG; MN2 has one at MAG2.

    Nothing forwards until a daemon or a kernel peer is put into `lma`, `mag1`, `mag2`: kernel forwarding is off there,
    so that no packet arrives by another way than the one under test.

    With `taps` the transport links run through bridges in the namespace `wire`, where RawPort(wire, "lma1") sees what
    the LMA sends to MAG1 and RawPort(wire, "mag1") what MAG1 sends. On an interface with our XDP program a capture sees
    nothing: what is redirected never reaches the stack's taps, and what AF_XDP sends goes past them.

    With `peered` the MAGs have a link of their own, and each its port `peer` on it.

    `queues` is the number of receive and transmit queues at both ends of every link.
    """

    def __init__(self, *, taps=False, peered=False, queues=1):
        super().__init__()
        self.taps = taps
        self.peered = peered
        self.queues = queues
        try:
            for role in ("cn", "lma", "mag1", "mag2", "mn1", "mn2"):
                setattr(self, role, self.namespace(role))
            self._join()
            self._address_core()
            for number in (1, 2):
                self._address_mag(number)
            self._address_mobile_nodes()
            if peered:
                self._join_mags()
        except BaseException:
            self.close()
            raise

    def _join(self):
        self.link(self.cn, "core", self.lma, "core", mtu=EDGE_MTU, queues=self.queues)
        for number, mag in ((1, self.mag1), (2, self.mag2)):
            if self.taps:
                self._join_tapped(number, mag)
            else:
                self.link(self.lma, f"transport{number}", mag, "transport", mtu=TRANSPORT_MTU, queues=self.queues)
        self.link(self.mag1, "access", self.mn1, "leg1", mtu=EDGE_MTU, queues=self.queues, mac_a=MAG_MAC, mac_b=MN1_MAC)
        self.link(self.mag2, "access", self.mn1, "leg2", mtu=EDGE_MTU, queues=self.queues, mac_a=MAG_MAC, mac_b=MN1_MAC)
        self.link(self.mag2, "access2", self.mn2, "leg2", mtu=EDGE_MTU, queues=self.queues, mac_a=MAG_MAC, mac_b=MN2_MAC)

    def _join_tapped(self, number, mag):
        self.wire = self.namespaces.get("wire") or self.namespace("wire")
        self.link(self.lma, f"transport{number}", self.wire, f"lma{number}", mtu=TRANSPORT_MTU, queues=self.queues)
        self.link(self.wire, f"mag{number}", mag, "transport", mtu=TRANSPORT_MTU, queues=self.queues)
        self.wire.sysctl({"net.ipv6.conf.default.disable_ipv6": 1})
        self.wire.ip(
            f"link add bridge{number} mtu {TRANSPORT_MTU} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set lma{number} master bridge{number}",
            f"link set mag{number} master bridge{number}",
            f"link set bridge{number} up",
        )

    def _join_mags(self):
        self.link(self.mag1, "peer", self.mag2, "peer", mtu=TRANSPORT_MTU, queues=self.queues)
        self.mag1.ip(f"addr add {TRANSPORT3}::1/64 dev peer", f"route add {MAG2}/128 via {TRANSPORT3}::2")
        self.mag2.ip(f"addr add {TRANSPORT3}::2/64 dev peer", f"route add {MAG1}/128 via {TRANSPORT3}::1")

    def _address_core(self):
        self.cn.ip(
            f"addr add {CN}/64 dev core",
            f"addr add {CN4}/24 dev core",
            f"route add default via {LMA_CORE} dev core",
            f"route add default via {LMA_CORE4} dev core",
        )
        self.lma.ip(
            f"addr add {LMAA}/128 dev lo",
            f"addr add {LMAA2}/128 dev lo",
            f"addr add {LMA_CORE}/64 dev core",
            f"addr add {LMA_CORE4}/24 dev core",
            f"addr add {TRANSPORT1}::1/64 dev transport1",
            f"addr add {TRANSPORT2}::1/64 dev transport2",
            f"route add {MAG1}/128 via {TRANSPORT1}::2",
            f"route add {MAG2}/128 via {TRANSPORT2}::2",
            # With a default route towards the CN a packet that the LMA fails to keep would be seen there.
            f"route add default via {CN} dev core",
            f"route add default via {CN4} dev core",
        )

    def _address_mag(self, number):
        namespace = self.mag1 if number == 1 else self.mag2
        address, link = (MAG1, TRANSPORT1) if number == 1 else (MAG2, TRANSPORT2)
        namespace.ip(
            f"addr add {address}/128 dev lo", f"addr add {link}::2/64 dev transport", f"route add default via {link}::1"
        )

    def _address_mobile_nodes(self):
        # The home addresses sit on lo, so that they do not move when the default route changes legs.
        for namespace, address, home, legs in (
            (self.mn1, MN1, HOA1, ("leg1", "leg2")),
            (self.mn2, MN2, HOA2, ("leg2",)),
        ):
            namespace.ip(f"addr add {address}/128 dev lo", f"addr add {home}/32 dev lo")
            for leg in legs:
                # Proxy ARP is the control daemon's work; the default router's MAC is the same everywhere (RFC 6543).
                namespace.ip(f"neigh add {GATEWAY4} lladdr {MAG_MAC} dev {leg} nud permanent")
            self.attach(namespace, address, home, legs[0])

    @staticmethod
    def attach(namespace, address, home, leg):
        """Makes a leg the way out of a mobile node."""
        namespace.ip(
            f"route replace default via {MAG_LINK_LOCAL} dev {leg} src {address}",
            f"route replace default via {GATEWAY4} dev {leg} src {home} onlink",
        )

    def move_mn1(self, number):
        """MN1 sends by MAG 1 or 2 from now on."""
        self.attach(self.mn1, MN1, HOA1, f"leg{number}")

    def lma_daemon(self, **changes):
        """An LMA daemon, not yet started."""
        return Daemon(self, self.lma, "lma", configuration.lma(**changes))

    def mag_daemon(self, number, **changes):
        """A MAG daemon, not yet started. MAG2 has two access ports: one for MN1, one for MN2."""
        values = configuration.mag(number)
        if number == 2:
            values = values.with_(ports=[*values.values["ports"], configuration.port("access2", "access")])
        if self.peered:
            values = values.with_(ports=[*values.values["ports"], configuration.port("peer", "transport")])
        return Daemon(self, self.mag1 if number == 1 else self.mag2, f"mag{number}", values.with_(**changes))

    @staticmethod
    def lma_records(mag_of_mn1=MAG1, mag_of_mn2=MAG2):
        """What the LMA must know: MN1 and MN2, each with its prefix and its IPv4 home address."""
        return [
            records.lma_binding(HNP1, mag_of_mn1, local=LMAA, mn="mn1@example"),
            records.lma_binding(f"{HOA1}/32", mag_of_mn1, local=LMAA, mn="mn1@example"),
            records.lma_binding(HNP2, mag_of_mn2, local=LMAA, mn="mn2@example"),
            records.lma_binding(f"{HOA2}/32", mag_of_mn2, local=LMAA, mn="mn2@example"),
        ]

    @staticmethod
    def mag_records(number, **more):
        """What MAG 1 (MN1) or MAG 2 (MN1 and MN2) must know to serve them."""
        local = MAG1 if number == 1 else MAG2
        served = [(HNP1, HOA1, MN1_MAC, "access", "mn1@example")]
        if number == 2:
            served.append((HNP2, HOA2, MN2_MAC, "access2", "mn2@example"))
        return [
            records.mag_binding(prefix, local=local, remote=LMAA, port=port, mac=mac, mn=name, **more)
            for hnp, home, mac, port, name in served
            for prefix in (hnp, f"{home}/32")
        ]
