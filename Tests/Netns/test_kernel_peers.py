"""The kernel as the other end, written by nobody here: the MAG against our LMA, the LMA against our MAG."""

import unittest

from cases import BothWays, DomainTest
from testbed import RawPort, kernel_peer
from testbed.addresses import HOA1, LMAA, MAG1, MN1
from testbed.frames import is_tunnel, outer_addresses


class KernelOnBothEnds(BothWays, DomainTest):
    """The test bed itself: two kernel peers must understand each other before one of them judges us."""

    @classmethod
    def prepare(cls, domain):
        kernel_peer.be_lma(domain.lma)
        kernel_peer.be_mag(domain.mag1)


class KernelPlaysMAG(BothWays, DomainTest):
    """Our LMA; the MAG is seg6 encap.red towards us, End.DX6 and End.DX4 from us."""

    @classmethod
    def prepare(cls, domain):
        kernel_peer.be_mag(domain.mag1)
        cls.lma = domain.lma_daemon().start()
        cls.lma.control.set(*domain.lma_records())
        return (cls.lma,)

    def test_downlink_is_plain_ipv6_in_ipv6(self):
        for address, next_header in ((MN1, 41), (HOA1, 4)):
            with self.subTest(address), RawPort(self.domain.mag1, "transport") as transport:
                self.domain.cn.ping(address, count=2)
                frames = transport.receive(accept=is_tunnel, timeout=0.2)
                self.assertEqual([outer_addresses(frame) for frame in frames], [(LMAA, MAG1)] * 2)
                self.assertEqual({frame[20] for frame in frames}, {next_header})
                # RFC 2473 6.3: the outer hop limit is the tunnel's own, not the inner packet's.
                self.assertEqual({frame[21] for frame in frames}, {64})

    def test_kernel_of_the_lma_still_answers(self):
        # RPUNT-3: what is no tunnel packet goes to the kernel.
        self.assertEqual(self.domain.cn.ping(LMAA), 3)


class KernelPlaysLMA(BothWays, DomainTest):
    """Our MAG; the LMA is seg6 encap.red towards us, End.DX6 and End.DX4 from us."""

    @classmethod
    def prepare(cls, domain):
        kernel_peer.be_lma(domain.lma)
        cls.mag = domain.mag_daemon(1).start()
        cls.mag.control.set(*domain.mag_records(1))
        return (cls.mag,)

    def test_uplink_is_plain_ipv6_in_ipv6(self):
        with RawPort(self.domain.lma, "transport1") as transport:
            self.domain.mn1.ping("2001:db8:c::1", count=2)
            self.domain.mn1.ping("198.51.100.1", count=2)
            frames = transport.receive(accept=is_tunnel, timeout=0.2)
        self.assertEqual([outer_addresses(frame) for frame in frames], [(MAG1, LMAA)] * 4)
        self.assertEqual([frame[20] for frame in frames], [41, 41, 4, 4])

    def test_frames_to_the_mobile_node_come_from_the_fixed_mac(self):
        # RFC 6543: 00:00:5e:00:52:13 on every access link.
        with RawPort(self.domain.mn1, "leg1") as leg:
            self.domain.cn.ping(MN1, count=2)
            frames = [frame for frame in leg.receive(timeout=0.2) if frame[12:14] == b"\x86\xdd" and frame[20] == 58]
        requests = [frame for frame in frames if frame[54] == 128]
        self.assertEqual([frame[6:12].hex(":") for frame in requests], ["00:00:5e:00:52:13"] * 2)


if __name__ == "__main__":
    unittest.main()
