"""The client against the golden frames: python3 -m unittest discover clients/python"""

import pathlib
import socket
import struct
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fastpath_client as fp  # noqa: E402

GOLDEN = HERE.parent.parent / "Tests" / "ControlProtocolTests" / "Golden"

LMAA, MAG1, MAG2 = "2001:db8:1::1", "2001:db8:a::1", "2001:db8:b::1"
LMA_V6 = fp.Binding("2001:db8:100:1::/64", LMAA, MAG1, lifetime=3600)
LMA_V4 = fp.Binding("203.0.113.10/32", LMAA, MAG1, state="pending")
MAG_FULL = fp.Binding(
    "2001:db8:100:1::5/128", MAG1, LMAA, table="mip", state="redirecting", local_routing=True, port="access1",
    mac="02:00:00:00:01:10", vlan=100, gre_up=0xDEADBEEF, gre_down=7, peer=(MAG1, MAG2), mn="mn1@example")
MAG_SHORT = fp.Binding("2001:db8:100:2::/64", MAG1, LMAA, local_routing=False, port="access1", mac="02:00:00:00:02:10")
MIP_V4 = fp.Binding("198.51.100.0/24", "192.0.2.1", "192.0.2.9", table="mip", lifetime=1)
TUNNEL_ALL = fp.Tunnel(LMAA, MAG1, True, 64, 1460, 4, 46, 2)
TUNNEL_DEFAULTS = fp.Tunnel(LMAA, MAG2)
TUNNEL_NAMED = fp.Tunnel(LMAA, MAG1, mtu=0, encapsulation_limit=-1, dscp=-1, ecn=1, users=3)
ROUTE_PEER = fp.Route("2001:db8:100:1::/64", "2001:db8:100:2::/64", (MAG1, MAG2), True, 30)
ROUTE_LOCAL = fp.Route("203.0.113.10/32", "203.0.113.11/32")
VISITOR = fp.Visitor("2001:db8:aaaa::/64", "access1")
FAILED, ALIVE = fp.Peer(MAG1), fp.Peer("192.0.2.9", "alive")


def golden(name):
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


def batch(kind, request_id, flags, *records):
    items = [(fp.table_of(record), fp.pack_record(record)) for record in records]
    return fp.pack_batch(kind, request_id, flags, items)


def split(frame):
    return fp.Header(*fp.HEADER.unpack_from(frame)), frame[fp.HEADER.size:]


class GoldenRequests(unittest.TestCase):
    def test_upsert(self):
        for name, request_id, flags, records in (
                ("upsert-lma", 2, fp.ATOMIC, (LMA_V6, LMA_V4)),
                ("upsert-mag", 3, fp.ATOMIC | fp.QUIESCED, (MAG_FULL,)),
                ("upsert-mag-short", 4, 0, (MAG_SHORT, MIP_V4)),
                ("upsert-tunnels", 5, fp.ATOMIC, (TUNNEL_ALL, TUNNEL_DEFAULTS)),
                ("upsert-routes", 6, fp.ATOMIC, (ROUTE_PEER, ROUTE_LOCAL)),
                ("upsert-visitor", 7, fp.ATOMIC, (VISITOR,)),
                ("upsert-peers", 18, fp.ATOMIC, (FAILED, ALIVE)),
                ("upsert-mixed", 8, fp.ATOMIC, (TUNNEL_ALL, LMA_V6, ROUTE_LOCAL, VISITOR))):
            with self.subTest(name):
                self.assertEqual(batch(fp.UPSERT, request_id, flags, *records).hex(" "), golden(name).hex(" "))

    def test_delete(self):
        keys = [fp.Key(LMA_V6, expect=MAG1), fp.Key(MAG_FULL)]
        items = [(fp.table_of(key.record), fp.pack_key(key)) for key in keys]
        self.assertEqual(fp.pack_batch(fp.DELETE, 9, fp.ATOMIC, items).hex(" "), golden("delete-expect").hex(" "))
        keys = [fp.Key(fp.Tunnel(LMAA, MAG1)), fp.Key(fp.Route(ROUTE_PEER.source, ROUTE_PEER.destination, (MAG1, MAG2))),
                fp.Key(VISITOR)]
        items = [(fp.table_of(key.record), fp.pack_key(key)) for key in keys]
        self.assertEqual(fp.pack_batch(fp.DELETE, 10, 0, items).hex(" "), golden("delete-mixed").hex(" "))
        self.assertEqual(fp.pack_batch(fp.DELETE, 19, fp.ATOMIC, [fp.pack_item(FAILED)]), golden("delete-peer"))
        items = [fp.pack_item(fp.Revocation(MAG1)), fp.pack_item(fp.Revocation("192.0.2.9", "mip"))]
        self.assertEqual(fp.pack_batch(fp.DELETE, 20, fp.ATOMIC, items).hex(" "), golden("delete-remote").hex(" "))

    def test_lookup(self):
        for name, request_id, key in (
                ("lookup-address", 11, "203.0.113.10"), ("lookup-prefix", 12, "2001:db8:100:1::/64"),
                ("lookup-tunnel", 13, f"{LMAA},{MAG1}"),
                ("lookup-route", 14, "2001:db8:100:1::/64,2001:db8:100:2::/64")):
            with self.subTest(name):
                self.assertEqual(fp.pack_frame(fp.LOOKUP, request_id, fp.pack_lookup(key)), golden(name))


class GoldenReplies(unittest.TestCase):
    def test_hello(self):
        header, payload = split(golden("hello-reply"))
        hello = fp.unpack_hello_reply(header.count, header.record_size, payload)
        self.assertEqual((hello.version, hello.access, hello.role), ((1, 0), "write", "lma"))
        self.assertEqual((hello.boot_id, hello.generation), (bytes(range(16)), 42))
        self.assertEqual((hello.largest_payload, hello.records_per_frame), (4194304, 65536))
        self.assertEqual(hello.software, "fastpath 0.1.0")
        self.assertEqual(hello.tables[1], (192, 1000000, 16777216, 0, False))

    def test_outcomes(self):
        for name, status, outcome in (
                ("outcome-ok", 0, fp.Outcome(2, 1, 0, generation=43)),
                ("outcome-stale", 7, fp.Outcome(0, 0, 1, 1, 7, "expect", "the tunnel is 2001:db8:b::1", 43)),
                ("failure-unsupported", 2, fp.Outcome(
                    code=2, field="frame", rule="message type 99 is not served by this version"))):
            with self.subTest(name):
                header, payload = split(golden(name))
                self.assertEqual((header.status, fp.unpack_outcome(payload)), (status, outcome))
                self.assertEqual(fp.pack_outcome(outcome), payload)

    def test_records(self):
        header, payload = split(golden("lookup-reply"))
        self.assertEqual(fp.unpack_entries(header.count, header.record_size, payload),
                         [fp.Entry(LMA_V6, 10, 1000, 20, 2000), fp.Entry(TUNNEL_NAMED, 10, 1000, 20, 2000)])
        header, payload = split(golden("dump-slice"))
        self.assertEqual(fp.unpack_slice(header.count, header.record_size, payload), (fp.BINDINGS, 7, 43, [LMA_V6, LMA_V4]))
        header, payload = split(golden("dump-peers"))
        self.assertEqual(fp.unpack_slice(header.count, header.record_size, payload), (fp.PEERS, 1, 43, [FAILED]))
        for record in (MAG_FULL, MAG_SHORT, MIP_V4, TUNNEL_ALL, TUNNEL_DEFAULTS, ROUTE_PEER, ROUTE_LOCAL, VISITOR,
                       FAILED, ALIVE):
            self.assertEqual(fp.unpack_record(fp.table_of(record), fp.pack_record(record)), record)
        with self.assertRaises(fp.ProtocolError):
            fp.unpack_record(fp.VISITORS, fp.pack_record(VISITOR) + b"\1")

    def test_lists(self):
        header, payload = split(golden("status-reply"))
        self.assertEqual(fp.unpack_status(header.count, payload),
                         [("role", "lma"), ("warning.0", "rx ring of core: ½ full")])
        header, payload = split(golden("counters-reply"))
        self.assertEqual(fp.unpack_counters(header.count, payload),
                         {"rx.core": 12345678901234567890, "drop.no-binding": 0})
        self.assertTrue(header.flags & fp.MORE)


class Stream(unittest.TestCase):
    def test_limit_and_end(self):
        for octets in (struct.pack("<I", fp.LARGEST_PAYLOAD + 1) + bytes(20), b"short", golden("hello-reply")[:-1]):
            near, far = socket.socketpair()
            with near, far:
                far.sendall(octets)
                far.shutdown(socket.SHUT_WR)
                with self.assertRaises(fp.ProtocolError):
                    fp.read_frame(near)


if __name__ == "__main__":
    unittest.main()
