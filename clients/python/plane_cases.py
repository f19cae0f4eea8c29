"""What every data plane must do by docs/CONTROL_PROTOCOL.md: run against the fake one here, against fastpathd in
Tests/Netns. A LMA with the pool 2001:db8:100::/40 and the tunnel end 2001:db8:1::1, and nothing in its tables."""

from __future__ import annotations

import ipaddress
import time
import unittest
from typing import Any, Callable, List

import fastpath_client as fp

LMAA, MAG1, MAG2 = "2001:db8:1::1", "2001:db8:a::1", "2001:db8:b::1"


def binding(number: int, remote: str = MAG1, **fields: Any) -> fp.Binding:
    """One of many bindings."""
    network = ipaddress.ip_network(f"2001:db8:{0x100 + (number >> 16):x}:{number & 0xFFFF:x}::/64")
    return fp.Binding(str(network), LMAA, remote, **fields)


class Plane(unittest.TestCase):
    """A test case with a plane at `path`."""

    path = ""

    def client(self, owner: int = 7) -> fp.Client:
        """A connection that ends with the test."""
        client = fp.Client(self.path, owner=owner, name="test", timeout=20)
        self.addCleanup(client.close)
        return client

    def raw(self, owner: int = 7) -> fp.Connection:
        """A connection for requests that no client sends."""
        connection = fp.Connection(self.path, 20)
        self.addCleanup(connection.close)
        connection.reply(connection.send(fp.HELLO, fp.pack_hello(owner, "raw")))
        return connection

    def refused(self, status: int, call: Callable[..., Any], *arguments: Any, **named: Any) -> fp.Outcome:
        """The outcome of a call that must be refused with this status."""
        with self.assertRaises(fp.Refused) as caught:
            call(*arguments, **named)
        self.assertEqual(fp.STATUS_TEXT[caught.exception.status], fp.STATUS_TEXT[status], str(caught.exception))
        return caught.exception.outcome

    @staticmethod
    def settled(client: fp.Client) -> int:
        """The generation, when nothing of before is still on its way (a next hop may be found a moment later)."""
        before = -1
        while (now := client.refresh().generation) != before:
            before = now
            time.sleep(0.3)
        return before

    def bindings(self, client: fp.Client) -> List[str]:
        """The prefixes that are there, sorted."""
        return sorted(record.prefix for record in client.dump("bindings") if isinstance(record, fp.Binding))

    @staticmethod
    def prefixes(*numbers: int) -> List[str]:
        """Those of `binding`."""
        return sorted(binding(number).prefix for number in numbers)


class Requests(Plane):
    """Single requests."""

    def test_hello(self) -> None:
        first, second = self.client(), self.client(8)
        self.assertEqual((first.hello.version, first.hello.role, first.hello.access), ((1, 1), "lma", "write"))
        self.assertEqual(first.hello.boot_id, second.hello.boot_id)
        self.assertEqual({number: table.record_size for number, table in first.hello.tables.items()}, fp.RECORD_SIZE)
        self.assertFalse(first.hello.stale)
        raw = self.raw()
        raw.reply(raw.send(fp.HELLO, fp.pack_hello(7, "again")))
        self.refused(fp.CONFLICT, raw.reply, raw.send(fp.HELLO, fp.pack_hello(8, "again")))
        raw.reply(raw.send(fp.PING))

    def test_first_frame_is_hello(self) -> None:
        raw = fp.Connection(self.path, 5)
        self.addCleanup(raw.close)
        self.refused(fp.HELLO_REQUIRED, raw.reply, raw.send(fp.PING))
        with self.assertRaises(fp.ProtocolError):
            raw.reply(raw.send(fp.PING))

    def test_ping(self) -> None:
        client = self.client()
        for length in range(9):
            octets = bytes(range(1, length + 1))
            self.assertEqual(client.ping(octets), octets)
        self.refused(fp.MALFORMED, client.ping, bytes(9))

    def test_barrier(self) -> None:
        client = self.client()
        set_outcome = client.upsert([binding(1)])
        self.assertGreaterEqual(client.barrier().generation, set_outcome.generation)

    def test_unknown_types_and_lengths(self) -> None:
        raw = self.raw()
        for kind in (fp.EVENT, 18, 99, 0xFFFF):
            self.refused(fp.UNSUPPORTED, raw.reply, raw.send(kind))
        sizes = {fp.BARRIER: 0, fp.TXN_BEGIN: 8, fp.TXN_COMMIT: 16, fp.TXN_ABORT: 0, fp.SYNC_BEGIN: 8, fp.SYNC_END: 8,
                 fp.SUBSCRIBE: 8, fp.STATS: 0, fp.STATUS: 0, fp.DUMP: 16}
        for kind, size in sizes.items():
            flags = fp.REPLACE if kind == fp.TXN_BEGIN else 0
            for length in {size + 1, *range(size)}:
                with self.subTest(kind=kind, length=length):
                    self.refused(fp.MALFORMED, raw.reply, raw.send(kind, bytes(length), flags=flags))
            self.refused(fp.MALFORMED, raw.reply, raw.send(kind, bytes(size), flags=flags, count=1, record_size=1))
            self.refused(fp.MALFORMED, raw.reply, raw.send(kind, bytes(size), flags=flags | fp.QUIESCED))
        raw.reply(raw.send(fp.PING))

    def test_pipelined(self) -> None:
        """Replies come in order, whatever is between, and a client that reads none first does not dead-lock."""
        raw, records = self.raw(), fp.pack_records([binding(number) for number in range(30)])
        requests = []
        for turn in range(300):
            requests.append((fp.PING, raw.send(fp.PING, turn.to_bytes(8, "little"))))
            requests.append((fp.UPSERT, raw.send(fp.UPSERT, fp.TABLE.pack(1, 0, 0), records.octets, count=30,
                                                 record_size=64)))
        turns = 0
        for kind, request in requests:
            header, payload = raw.reply(request)
            self.assertEqual(header.kind, kind)
            if kind == fp.PING:
                self.assertEqual(int.from_bytes(payload, "little"), turns)
                turns += 1


class Records(Plane):
    """Very many records, and the digest of them."""

    def test_bulk(self) -> None:
        client = self.client()
        records = [binding(number) for number in range(20_000)]
        packed = fp.pack_records(records)
        self.assertEqual((packed.count, packed.entries, packed.record_size), (20_000, 20_000, 64))
        self.assertEqual(client.load_packed(packed, per_frame=3000).applied, 20_000)
        self.assertEqual(client.load_packed(packed).unchanged, 20_000)
        self.assertEqual(client.refresh().tables[fp.BINDINGS].entries, 20_000)
        # Its tunnel ends are equal: refused with the index in the whole.
        wrong = bytearray(packed.octets)
        wrong[15_001 * 64 + 32:15_001 * 64 + 48] = wrong[15_001 * 64 + 48:15_001 * 64 + 64]
        outcome = self.refused(fp.INVALID, client.load_packed, fp.PackedRecords(fp.BINDINGS, 64, wrong), 4000)
        self.assertEqual(outcome.index, 15_001)
        self.assertEqual(client.refresh().tables[fp.BINDINGS].entries, 20_000)

    def test_partial_success(self) -> None:
        """Without ATOMIC what breaks a rule is counted and the rest applied; with it nothing is."""
        client = self.client()
        # A LMA has no ordinary hosts.
        records = [binding(1), fp.Visitor("2001:db8:aaaa::/64", "nowhere"), binding(2)]
        outcome = self.refused(fp.INVALID, client.upsert, records, atomic=True)
        self.assertEqual((outcome.applied, outcome.failed, outcome.index), (0, 1, 1))
        self.assertEqual(self.bindings(client), [])
        outcome = self.refused(fp.INVALID, client.upsert, records)
        self.assertEqual((outcome.applied, outcome.failed, outcome.index), (2, 1, 1))
        self.assertEqual(self.bindings(client), [binding(1).prefix, binding(2).prefix])
        keys = [fp.Key(binding(1), expect=MAG2), fp.Key(binding(2), expect=MAG1)]
        outcome = self.refused(fp.STALE, client.delete, keys, atomic=True)
        self.assertEqual((outcome.applied, outcome.failed, outcome.index), (0, 1, 0))
        outcome = self.refused(fp.STALE, client.delete, keys)
        self.assertEqual((outcome.applied, outcome.failed, outcome.index), (1, 1, 0))
        self.assertEqual(self.bindings(client), [binding(1).prefix])

    def test_dump_goes_on_after_a_cookie(self) -> None:
        client, raw = self.client(), self.raw()
        client.upsert_many([binding(number) for number in range(5000)])
        for table in (0, fp.BINDINGS):
            cookie, slices = 0, []
            while True:
                # One frame of each dump counts.
                request = raw.send(fp.DUMP, fp.TABLE.pack(table, 0, 0) + cookie.to_bytes(8, "little"))
                header, payload = raw.reply(request)
                if header.count == 0:
                    break
                number, cookie, _, records = fp.unpack_slice(header.count, header.record_size, payload)
                slices += [record.prefix for record in records] if number == fp.BINDINGS else []
                while header.count:
                    header, _ = raw.reply(request)
                if len(slices) < 4000:
                    client.delete([binding(len(slices) // 2)])
                    client.upsert([binding(len(slices) // 2)])
            self.assertLessEqual({binding(number).prefix for number in range(2500, 5000)}, set(slices))
        with self.assertRaises(fp.Refused):
            raw.reply(raw.send(fp.DUMP, fp.TABLE.pack(fp.TUNNELS, 0, 0) + (fp.BINDINGS << 56 | 7).to_bytes(8, "little")))

    def test_digest(self) -> None:
        client = self.client()
        self.assertEqual([table.digest for table in client.hello.tables.values()], [0] * 5)
        one, other = binding(1, lifetime=3600), binding(2, MAG2, mn="mn2@example")
        tunnel = fp.Tunnel(LMAA, MAG1, hop_limit=9, mtu=1400)
        client.upsert([one, other, tunnel, fp.Peer(MAG2)])
        tables = client.refresh().tables
        self.assertEqual(tables[fp.BINDINGS].digest, fp.digest([other, one]))
        self.assertEqual(tables[fp.TUNNELS].digest, fp.digest([tunnel]))
        self.assertEqual(tables[fp.PEERS].digest, fp.digest([fp.Peer(MAG2)]))
        # Two mobile nodes that swap their tunnels are another content.
        client.upsert([binding(1, MAG2, lifetime=3600), binding(2, MAG1, mn="mn2@example")])
        self.assertNotEqual(client.refresh().tables[fp.BINDINGS].digest, tables[fp.BINDINGS].digest)
        client.upsert([other, one])
        self.assertEqual(client.refresh().tables[fp.BINDINGS].digest, tables[fp.BINDINGS].digest)
        client.delete([one, other, tunnel, fp.Peer(MAG2)])
        self.assertEqual([table.digest for table in client.refresh().tables.values()], [0] * 5)

    def test_a_dump_has_what_the_digests_are_of(self) -> None:
        """And what is loaded from it is the same content: a tunnel that nobody set is in neither."""
        client = self.client()
        client.upsert([binding(1), binding(2, MAG2), fp.Tunnel(LMAA, MAG1, hop_limit=9), fp.Peer(MAG2)])
        before = client.refresh()
        dump = list(client.dump())
        for number, table in before.tables.items():
            self.assertEqual(table.digest, fp.digest([record for record in dump if fp.table_of(record) == number]))
        with client.replace() as transaction:
            transaction.upsert(dump)
        self.assertEqual(client.refresh().tables, before.tables)
        self.assertEqual(list(client.dump()), dump)
