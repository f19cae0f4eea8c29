"""What every data plane must tell: events, and counters in shared memory; as plane_cases.py."""

from __future__ import annotations

import mmap
import time

import fastpath_client as fp
from plane_cases import binding, LMAA, MAG1, MAG2, Plane


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

    def test_a_tunnel_that_was_set_does_not_go_unheard(self) -> None:
        client, other = self.client(), self.client(8)
        client.upsert([fp.Tunnel(LMAA, MAG1, hop_limit=33), binding(1)])
        subscription = client.subscribe("changed", timeout=5)
        other.delete([binding(1)])
        self.assertEqual(self.next(subscription).items["prefix"], binding(1).prefix)
        with other.replace():
            pass
        items = dict(self.next(subscription).items)
        self.assertEqual(items, {"event": "changed", "operation": "delete", "owner": "8", "tunnel.local": LMAA,
                                 "tunnel.remote": MAG1})

    def test_a_repeated_lifetime_is_no_change(self) -> None:
        client, other = self.client(), self.client(8)
        for fields in ({}, {"mn": "mn1@example"}):
            subscription = client.subscribe("changed", timeout=5)
            first = other.upsert([binding(1, lifetime=100, **fields)])
            self.next(subscription)
            self.assertEqual(first.applied, 1)
            for _ in range(2):
                again = other.upsert([binding(1, lifetime=100, **fields)])
                self.assertEqual((again.applied, again.unchanged), (0, 1))
            with other.sync() as sync:
                self.assertEqual(sync.upsert([binding(1, lifetime=100, **fields)]).unchanged, 1)
            self.assertEqual(other.upsert([binding(1, lifetime=101, **fields)]).applied, 1)
            self.assertEqual(self.next(subscription).items["lifetime"], "101")
            subscription.close()


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
