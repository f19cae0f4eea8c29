"""The kernel as LMA or MAG: segment routing's plain encapsulation speaks IPv6-in-IPv6 without knowing of this project.

`encap seg6 mode encap.red` with one segment adds no routing header: outer next header 41 or 4 directly. Decapsulation
is one action per destination address, so IPv6 and IPv4 payload are told apart by policy rules on the outer next header.
The end point address must not be local, or the table `local` would catch the packets first.
"""

from .addresses import CN, CN4, HNP1, HNP2, HOA1, HOA2, LMAA, MAG1, MAG2, MN1, TRANSPORT1, TRANSPORT2

_FORWARD = {"net.ipv6.conf.all.forwarding": 1, "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.seg6_enabled": 1}


def be_mag(namespace, number=1):
    """Makes a namespace play MAG 1 or 2 for MN1: no program of this project in it."""
    address, link = (MAG1, TRANSPORT1) if number == 1 else (MAG2, TRANSPORT2)
    namespace.sysctl({**_FORWARD, "net.ipv6.conf.transport.seg6_enabled": 1})
    namespace.ip(f"addr del {address}/128 dev lo")
    namespace.run(["ip", "sr", "tunsrc", "set", address])
    namespace.ip(
        f"route add {HNP1} dev access",
        f"route add {HOA1}/32 dev access",
        f"neigh add {MN1} lladdr 02:00:00:00:01:10 dev access nud permanent",
        f"neigh add {HOA1} lladdr 02:00:00:00:01:10 dev access nud permanent",
        f"route replace {LMAA}/128 via {link}::1",
    )
    # Everything from the access link goes to the LMA, whatever its destination.
    for family in (4, 6):
        namespace.ip(
            "rule add iif access lookup 100",
            f"route add default table 100 encap seg6 mode encap.red segs {LMAA} dev transport",
            family=family,
        )
    # The encapsulated packet is routed as if it had arrived on the same interface: without this it would loop.
    namespace.ip(f"rule add to {LMAA} lookup main", family=6)
    _decapsulate(namespace, address, MN1, HOA1, "transport")


def be_lma(namespace, mn1_at=1):
    """Makes a namespace play the LMA, with MN1 at MAG `mn1_at` and MN2 at MAG2."""
    namespace.sysctl(
        {**_FORWARD, "net.ipv6.conf.transport1.seg6_enabled": 1, "net.ipv6.conf.transport2.seg6_enabled": 1}
    )
    namespace.ip(f"addr del {LMAA}/128 dev lo")
    namespace.run(["ip", "sr", "tunsrc", "set", LMAA])
    for prefixes, number in (((HNP1, f"{HOA1}/32"), mn1_at), ((HNP2, f"{HOA2}/32"), 2)):
        remote = MAG1 if number == 1 else MAG2
        for prefix in prefixes:
            namespace.ip(f"route add {prefix} encap seg6 mode encap.red segs {remote} dev transport{number}")
    _decapsulate(namespace, LMAA, CN, CN4, f"transport{mn1_at}")


def _decapsulate(namespace, address, next6, next4, interface):
    # The action hands every inner packet to one neighbour: End.DX6 for next header 41, End.DX4 for 4.
    namespace.ip(
        f"rule add to {address} ipproto ipv6 lookup 141",
        f"rule add to {address} ipproto ipencap lookup 104",
        f"route add {address}/128 table 141 encap seg6local action End.DX6 nh6 {next6} dev {interface}",
        f"route add {address}/128 table 104 encap seg6local action End.DX4 nh4 {next4} dev {interface}",
        family=6,
    )
