"""A million bindings through the end of either side: the control daemon killed while it says all of them again, and the
data plane killed and forwarding from its snapshot before anybody says anything."""

import os
import signal
import struct
import sys
import unittest
import zlib

from testbed import Bed, Daemon, Domain, configuration
from testbed.addresses import CN, LMAA, MAG1, MAG2, MN1, POOLS
from testbed.bed import ROOT, wait_until

sys.path.append(os.path.join(ROOT, "clients", "python"))

import fastpath_client as fp  # noqa: E402

COUNT = 1_000_000
OWNER = 7
#: cache, family, prefix length, state, flags, lifetime, reserved, then prefix, local, remote
LAYOUT = struct.Struct("<BBBBIII16s16s16s")
FIRST = int.from_bytes(fp.pack_address("2001:db8:100:100::")[1], "big")


def records(numbers, remote):
    """The /64s with these numbers as UPSERT carries them, packed without objects."""
    ends = [fp.pack_address(address)[1] for address in (LMAA, remote)]
    pack, first = LAYOUT.pack, FIRST
    return b"".join([
        pack(0, 6, 64, 0, 0, 0, 0, (first + (number << 64)).to_bytes(16, "big"), *ends) for number in numbers])


def packed(octets):
    return fp.PackedRecords(fp.BINDINGS, LAYOUT.size, octets, len(octets) // LAYOUT.size)


def digest(octets):
    """HELLO's, by the words of the page: none of these records ends in a zero octet."""
    total, size, crc32 = 0, LAYOUT.size, zlib.crc32
    for start in range(0, len(octets), size):
        product = crc32(octets[start:start + size]) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        total += product ^ product >> 32
    return total & 0xFFFFFFFFFFFFFFFF


class ControlDaemonKilled(unittest.TestCase):
    def test_it_leaves_exactly_what_it_said_last(self):
        bed = Bed()
        self.addCleanup(bed.close)
        lma, other = bed.namespace("lma"), bed.namespace("other")
        bed.link(lma, "core", other, "core")
        bed.link(lma, "transport1", other, "transport1", mtu=1600)
        ports = [configuration.port("core", "core"), configuration.port("transport1", "transport")]
        daemon = Daemon(bed, lma, "lma", configuration.lma(ports=ports, pools=["2001:db8:100::/40"])).start()
        # Half of it stays as it is, a quarter moves to another gateway, a quarter has gone.
        stays = records(range(COUNT // 2), MAG1)
        before = stays + records(range(COUNT // 2, COUNT), MAG1)
        after = stays + records(range(COUNT // 2, COUNT * 3 // 4), MAG2)
        watcher = fp.Client(daemon.socket_path, name="watcher", timeout=20)
        self.addCleanup(watcher.close)

        def table():
            return watcher.refresh().tables[fp.BINDINGS]

        with fp.Client(daemon.socket_path, owner=OWNER, name="first", timeout=20) as first:
            first.load_packed(packed(before))
        whole = digest(before)
        state = table()
        self.assertEqual((state.entries, state.stale, state.digest), (COUNT, False, whole))
        child = os.fork()
        if child == 0:
            try:
                with fp.Client(daemon.socket_path, owner=OWNER, name="killed", timeout=20) as again:
                    with again.sync("bindings") as sync:
                        # First what moves, so that how far it is can be seen.
                        sync.load_packed(packed(after[len(stays):]), per_frame=512)
                        sync.load_packed(packed(stays), per_frame=512)
                        signal.pause()
            finally:
                os._exit(1)
        try:
            wait_until(lambda: table().digest != whole, timeout=15, what="the synchronisation")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        state = table()
        self.assertEqual((state.entries, state.stale), (COUNT, True))
        self.assertNotEqual(state.digest, digest(after + before[len(after):]), "it was killed in the middle")
        with fp.Client(daemon.socket_path, owner=OWNER, name="restarted", timeout=20) as restarted:
            with restarted.sync("bindings") as sync:
                sync.load_packed(packed(after))
            self.assertEqual(sync.outcome.removed, COUNT // 4)
        state = table()
        self.assertEqual((state.entries, state.stale, state.digest), (COUNT * 3 // 4, False, digest(after)))


class DataPlaneKilled(unittest.TestCase):
    def test_it_forwards_before_the_control_daemon_is_back(self):
        domain = Domain()
        self.addCleanup(domain.close)
        path = domain.path("lma.snapshot")
        lma, mag = domain.lma_daemon(), domain.mag_daemon(1)
        lma.configuration = lma.configuration.with_(
            pools=["2001:db8:100::/40", *POOLS[1:]], control={"socket": lma.socket_path, "snapshot": path})
        lma.start().control.set(*domain.lma_records())
        mag.start().control.set(*domain.mag_records(1))
        octets = records(range(COUNT), MAG1)
        with fp.Client(lma.socket_path, owner=OWNER, name="control", timeout=20) as control:
            control.load_packed(packed(octets))
            before = control.refresh().tables
        self.assertEqual(domain.cn.ping(MN1), 3)
        # The first one may be of the moment before the load.
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > len(octets), timeout=25, what="a snapshot")
        lma.kill()
        self.assertEqual(domain.cn.ping(MN1, wait=0.3), 0)
        lma.start(timeout=15)
        # Nobody has spoken to it yet.
        self.assertEqual(domain.cn.ping(MN1), 3)
        self.assertEqual(domain.mn1.ping(CN), 3)
        with fp.Client(lma.socket_path, owner=OWNER, name="back", timeout=20) as back:
            for number in (fp.BINDINGS, fp.TUNNELS):
                old, new = before[number], back.hello.tables[number]
                self.assertEqual((new.entries, new.digest), (old.entries, old.digest))
            self.assertTrue(back.hello.tables[fp.BINDINGS].stale)
            with back.sync() as sync:
                self.assertEqual(sync.load_packed(packed(octets)).unchanged, COUNT)
            self.assertEqual(sync.outcome.removed, 0)
            self.assertEqual(back.refresh().tables[fp.BINDINGS].digest, before[fp.BINDINGS].digest)
        # What owner 0 said is still its own, and stale.
        self.assertEqual(domain.cn.ping(MN1), 3)


if __name__ == "__main__":
    unittest.main()
