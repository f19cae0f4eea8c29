"""What every data plane must do with transactions and synchronisations; as plane_cases.py."""

from __future__ import annotations

import zlib

import fastpath_client as fp
from plane_cases import binding, LMAA, MAG1, MAG2, Plane


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

    def test_what_was_said_of_a_tunnel_stays(self) -> None:
        """However its users change between the frames; CONTRACT: only a tunnel that nobody set goes with its last user."""
        client, settings = self.client(), fp.Tunnel(LMAA, MAG1, hop_limit=33)
        client.upsert([settings, binding(1)])
        with client.sync() as sync:
            sync.upsert([settings, binding(1, MAG2)])
            sync.upsert([binding(2)])
        assert sync.outcome is not None
        self.assertEqual(sync.outcome.removed, 0)
        self.assertEqual(client.refresh().tables[fp.TUNNELS].digest, fp.digest([settings]))
        client.delete([binding(2)])
        self.assertEqual(client.refresh().tables[fp.TUNNELS].digest, fp.digest([settings]))
        self.assertEqual(client.delete([settings]).applied, 1)
        self.assertEqual(client.refresh().tables[fp.TUNNELS].digest, 0)
