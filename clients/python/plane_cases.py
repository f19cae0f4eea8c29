"""What every data plane must do by docs/CONTROL_PROTOCOL.md: run against the fake one here, against fastpathd in
Tests/Netns. A LMA with the pool 2001:db8:100::/40 and the tunnel end 2001:db8:1::1, and nothing in its tables."""

from __future__ import annotations

import ipaddress
import mmap
import time
import unittest
import zlib
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


class Transactions(Plane):
    """TXN_BEGIN, TXN_COMMIT, TXN_ABORT."""

    def test_replaces_everything_at_once(self) -> None:
        client, other = self.client(), self.client(8)
        client.upsert([binding(1), binding(2), fp.Peer(MAG2)])
        other.upsert([binding(3)])
        with client.replace() as transaction:
            transaction.upsert([binding(2), binding(4)])
            transaction.upsert([binding(5, MAG2), fp.Tunnel(LMAA, MAG1, static=True, hop_limit=3)])
            self.assertEqual(self.bindings(client), self.prefixes(1, 2, 3))
        outcome = transaction.outcome
        assert outcome is not None
        # The tunnel to MAG1 gained settings; bindings 1 and 3 and the peer went.
        self.assertEqual((outcome.applied, outcome.unchanged, outcome.removed), (3, 1, 3))
        self.assertEqual(self.bindings(client), self.prefixes(2, 4, 5))
        self.assertEqual(list(client.dump("peers")), [])
        self.assertEqual(client.refresh().generation, outcome.generation)
        with client.replace("bindings"):
            pass
        self.assertEqual(self.bindings(client), [])
        self.assertEqual(list(client.dump()), [fp.Tunnel(LMAA, MAG1, static=True, hop_limit=3)])

    def test_last_of_one_key_counts(self) -> None:
        client = self.client()
        with client.replace("bindings") as transaction:
            transaction.upsert([binding(1), binding(2), binding(1, MAG2)])
        found = client.lookup(binding(1).prefix)[0].record
        self.assertEqual(found, binding(1, MAG2))

    def test_wrong_count_or_digest(self) -> None:
        client, raw = self.client(), self.raw()
        client.upsert([binding(1)])
        before = client.refresh()
        records = fp.pack_records([binding(2), binding(3)])
        crc = zlib.crc32(records.octets)
        for count, said in ((1, crc), (3, crc), (2, crc ^ 1), (2, 0), (1 << 63, crc)):
            raw.reply(raw.send(fp.TXN_BEGIN, bytes(8), flags=fp.REPLACE))
            raw.reply(raw.send(fp.UPSERT, fp.TABLE.pack(1, 0, 0), records.octets, count=2, record_size=64))
            self.refused(fp.CONFLICT, raw.reply, raw.send(fp.TXN_COMMIT, fp.COMMIT.pack(count, said, 0)))
            # It is over.
            self.refused(fp.CONFLICT, raw.reply, raw.send(fp.TXN_ABORT))
        after = client.refresh()
        self.assertEqual((after.tables, after.generation), (before.tables, before.generation))

    def test_mixed_frames_count_their_tags(self) -> None:
        client, raw = self.client(), self.raw()
        mixed = fp.pack_records([binding(1), fp.Tunnel(LMAA, MAG1, hop_limit=9)])
        alone = fp.pack_records([binding(2)])
        raw.reply(raw.send(fp.TXN_BEGIN, bytes(8), flags=fp.REPLACE))
        for part in (mixed, alone):
            raw.reply(raw.send(fp.UPSERT, fp.TABLE.pack(part.table, 0, 0), part.octets, count=part.count,
                               record_size=part.record_size, flags=fp.ATOMIC))
        crc = zlib.crc32(alone.octets, zlib.crc32(mixed.octets))
        raw.reply(raw.send(fp.TXN_COMMIT, fp.COMMIT.pack(3, crc, 0)))
        self.assertEqual(self.bindings(client), self.prefixes(1, 2))

    def test_abort(self) -> None:
        client, other = self.client(), self.client(8)
        client.upsert([binding(1)])
        with self.assertRaises(KeyError):
            with client.replace() as transaction:
                transaction.upsert([binding(2)])
                raise KeyError("something else")
        transaction = other.replace()
        transaction.upsert([binding(3)])
        other.close()
        self.assertEqual(self.bindings(client), self.prefixes(1))
        with client.replace() as transaction:
            transaction.upsert([binding(4)])
        self.assertEqual(self.bindings(client), self.prefixes(4))

    def test_what_is_refused(self) -> None:
        client, raw = self.client(), self.raw()
        self.refused(fp.UNSUPPORTED, raw.reply, raw.send(fp.TXN_BEGIN, bytes(8)))
        self.refused(fp.CONFLICT, raw.reply, raw.send(fp.TXN_ABORT))
        self.refused(fp.CONFLICT, raw.reply, raw.send(fp.TXN_COMMIT, bytes(16)))
        transaction = client.replace("bindings")
        self.refused(fp.CONFLICT, client.replace)
        self.refused(fp.CONFLICT, client.sync)
        self.refused(fp.CONFLICT, client.delete, [binding(1)])
        outcome = self.refused(fp.INVALID, client.upsert, [fp.Peer(MAG1)])
        self.assertEqual((outcome.index, outcome.field), (0, "table"))
        third = self.client(8)
        second = third.replace()
        fourth = self.client(9)
        self.refused(fp.UNAVAILABLE, fourth.replace)
        second.abort()
        fourth.replace().abort()
        transaction.abort()
        self.assertEqual(self.bindings(client), [])


class Synchronisations(Plane):
    """SYNC_BEGIN, SYNC_END, owners."""

    def test_sweeps_what_was_not_said(self) -> None:
        client, other = self.client(), self.client(8)
        client.upsert([binding(number) for number in range(6)])
        other.upsert([binding(6)])
        generation = self.settled(client)
        with client.sync() as sync:
            self.assertTrue(other.refresh().stale)
            self.assertEqual(sync.upsert([binding(0), binding(1)]).unchanged, 2)
            self.assertEqual(client.refresh().generation, generation)
            self.assertEqual(sync.upsert([binding(2, MAG2), binding(7)]).applied, 2)
            self.assertEqual(self.bindings(client), self.prefixes(*range(8)))
        assert sync.outcome is not None
        self.assertEqual(sync.outcome.removed, 3)
        self.assertEqual(self.bindings(client), self.prefixes(0, 1, 2, 6, 7))
        self.assertFalse(other.refresh().stale)

    def test_wrong_count(self) -> None:
        client = self.client()
        client.upsert([binding(1), binding(2), binding(3)])
        sync = client.sync("bindings")
        sync.upsert([binding(1), binding(1), binding(2)])
        for count in (0, 1, 3, (1 << 64) - 1):
            self.refused(fp.CONFLICT, sync.end, count)
        self.assertEqual(self.bindings(client), self.prefixes(1, 2, 3))
        self.assertTrue(client.refresh().stale)
        # It goes on: what is deleted meanwhile does not count.
        sync.upsert([binding(4)])
        sync.delete([binding(2)])
        self.assertEqual(sync.end().removed, 1)
        self.assertEqual(self.bindings(client), self.prefixes(1, 4))
        self.refused(fp.CONFLICT, sync.end)

    def test_nothing_said_again(self) -> None:
        client, other = self.client(), self.client(8)
        other.upsert([binding(9)])
        client.upsert([binding(1), fp.Peer(MAG2), fp.Tunnel(LMAA, MAG1, hop_limit=9)])
        with client.sync() as sync:
            pass
        assert sync.outcome is not None
        self.assertEqual(sync.outcome.removed, 3)
        self.assertEqual(self.bindings(client), self.prefixes(9))

    def test_one_table_only(self) -> None:
        client = self.client()
        client.upsert([binding(1), fp.Peer(MAG2)])
        with client.sync("bindings"):
            pass
        self.assertEqual(list(client.dump()), [fp.Peer(MAG2)])

    def test_alive_peers_are_no_entries(self) -> None:
        client = self.client()
        client.upsert([fp.Peer(MAG1), fp.Peer(MAG2)])
        with client.sync("peers") as sync:
            sync.upsert([fp.Peer(MAG1), fp.Peer(MAG2)])
            sync.upsert([fp.Peer(MAG1, "alive")])
        self.assertEqual(list(client.dump("peers")), [fp.Peer(MAG2)])

    def test_lost_connection_sweeps_nothing(self) -> None:
        first, watcher = self.client(), self.client(8)
        first.upsert([binding(1), binding(2)])
        first.sync().upsert([binding(1)])
        first.close()
        self.assertEqual(self.bindings(watcher), self.prefixes(1, 2))
        self.assertTrue(watcher.refresh().stale)
        again = self.client()
        with again.sync() as sync:
            sync.load_packed(fp.pack_records([binding(2)]))
        self.assertEqual(self.bindings(watcher), self.prefixes(2))

    def test_the_later_one_counts(self) -> None:
        first, second = self.client(), self.client()
        first.upsert([binding(1), binding(2)])
        earlier = first.sync()
        earlier.upsert([binding(1)])
        later = second.sync()
        later.upsert([binding(2)])
        self.refused(fp.CONFLICT, earlier.end)
        self.assertEqual(later.end().removed, 1)
        self.assertEqual(self.bindings(first), self.prefixes(2))

    def test_other_connections_of_the_owner_say_too(self) -> None:
        first, second = self.client(), self.client()
        first.upsert([binding(1), binding(2)])
        sync = first.sync()
        second.upsert([binding(1)])
        self.assertEqual(sync.end(1).removed, 1)
        self.assertEqual(self.bindings(first), self.prefixes(1))

    def test_last_writer_owns(self) -> None:
        first, second = self.client(), self.client(8)
        first.upsert([binding(1)])
        second.upsert([binding(1)])
        with first.sync():
            pass
        self.assertEqual(self.bindings(first), self.prefixes(1))
        with second.sync():
            pass
        self.assertEqual(self.bindings(first), [])


class Events(Plane):
    """SUBSCRIBE and EVENT."""

    def next(self, subscription: fp.Subscription) -> fp.Event:
        """An event that must come."""
        return next(subscription)

    def test_changes_by_others(self) -> None:
        client, other = self.client(), self.client(8)
        subscription = client.subscribe("changed", timeout=5)
        client.upsert([binding(1)])
        other.upsert([binding(2, MAG2, lifetime=60, mn="mn2@example")])
        other.upsert([fp.Peer(MAG1)])
        other.delete([binding(1)])
        first, second, third = (self.next(subscription) for _ in range(3))
        self.assertEqual([event.sequence for event in (first, second, third)], [1, 2, 3])
        self.assertEqual({event.kind for event in (first, second, third)}, {fp.EVENT_KINDS["changed"]})
        expected = {
            "event": "changed", "operation": "set", "owner": "8", "table": "pmip", "prefix": binding(2).prefix,
            "tunnel.local": LMAA, "tunnel.remote": MAG2, "lifetime": "60", "mn": "mn2@example"}
        self.assertEqual({key: first.items.get(key) for key in expected}, expected)
        self.assertEqual((second.items["peer"], second.items["state"]), (MAG1, "failed"))
        self.assertEqual(dict(third.items), {
            "event": "changed", "operation": "delete", "owner": "8", "table": "pmip", "prefix": binding(1).prefix})
        self.assertLessEqual(first.time, third.time)
        self.assertLess(abs(time.monotonic_ns() - third.time), 30_000_000_000)
        subscription.close()
        other.upsert([binding(3)])
        self.assertIsNone(client.next_event(0.2))

    def test_mask(self) -> None:
        client, other, raw = self.client(), self.client(8), self.raw()
        self.refused(fp.MALFORMED, raw.reply, raw.send(fp.SUBSCRIBE, (1 << 13).to_bytes(8, "little")))
        self.refused(fp.MALFORMED, raw.reply, raw.send(fp.SUBSCRIBE, (1 << 63).to_bytes(8, "little")))
        client.subscribe("expired", "path-mtu")
        other.upsert([binding(1)])
        self.assertIsNone(client.next_event(0.2))

    def test_many_changes_are_one_event(self) -> None:
        client, other = self.client(), self.client(8)
        subscription = client.subscribe("changed", "bulk", timeout=5)
        with other.replace() as transaction:
            transaction.upsert([binding(number) for number in range(1500)])
        items = dict(self.next(subscription).items)
        self.assertEqual(items, {"event": "bulk", "operation": "replaced", "owner": "8", "count": "1500"})
        with other.sync():
            pass
        items = dict(self.next(subscription).items)
        self.assertEqual(items, {"event": "bulk", "operation": "swept", "owner": "8", "count": "1500"})
        self.assertIsNone(client.next_event(0.2))

    def test_overflow_says_what_is_lost(self) -> None:
        """A subscriber that does not read loses events, and knows which; nobody else waits for it."""
        client, other = self.client(), self.client(8)
        subscription = client.subscribe("changed", timeout=1)
        changes = 20_000
        for start in range(0, changes, 1000):
            other.upsert([binding(number) for number in range(start, start + 1000)])
        sequence, lost = 0, 0
        for event in subscription:
            if event.name == "overflow":
                self.assertEqual(int(event.items["first-lost"]), sequence + 1)
                self.assertEqual(event.sequence, sequence + int(event.items["lost"]))
                lost += int(event.items["lost"])
            else:
                self.assertEqual(event.sequence, sequence + 1)
            sequence = event.sequence
        self.assertEqual(sequence, changes)
        self.assertGreater(lost, 0)
        # It is still subscribed.
        other.delete([binding(5)])
        self.assertEqual(self.next(subscription).items["operation"], "delete")


class Counters(Plane):
    """STATS."""

    def test_area_is_refreshed(self) -> None:
        client = self.client()
        with client.stats() as statistics:
            first, counters = statistics.read()
            named = {name for name in client.counters(all=True) if not name.startswith("tunnel.")}
            self.assertEqual(set(counters), named)
            deadline = time.monotonic() + 5
            while statistics.read()[0] == first:
                self.assertLess(time.monotonic(), deadline, "the area is not refreshed")
                time.sleep(0.02)
            self.assertFalse(statistics.superseded)

    def test_a_reader_cannot_write(self) -> None:
        raw = self.raw()
        raw.expect_descriptor()
        _, payload = raw.reply(raw.send(fp.STATS))
        descriptor = raw.descriptor()
        size = fp.STATS_REPLY.unpack(payload)[0]
        with self.assertRaises(OSError):
            mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        fp.Statistics(descriptor, size).close()
