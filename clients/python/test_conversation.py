"""What the client sends for each message of version 1.1, octet by octet, and what it reads from the golden replies."""

import os
import pathlib
import shutil
import socket
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fastpath_client as fp  # noqa: E402
from test_client import FAILED, LMA_V4, LMA_V6, MAG1, TUNNEL_ALL, golden  # noqa: E402


def with_id(frame, request_id):
    """A frame with another request id."""
    return frame[:8] + request_id.to_bytes(4, "little") + frame[12:]


class Script:
    """A peer that takes requests, and answers each with the golden frames that come next."""

    def __init__(self, case, *answers):
        directory = tempfile.mkdtemp(prefix="fp-")
        case.addCleanup(shutil.rmtree, directory)
        self.path = os.path.join(directory, "script.sock")
        #: the requests, with id 0
        self.seen = []
        #: a descriptor for each STATS
        self.descriptors = []
        self._answers = list(answers)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        case.addCleanup(self._listener.close)

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            for names in self._answers:
                header, payload = fp.read_frame(connection)
                self.seen.append(with_id(fp.HEADER.pack(*header) + payload, 0))
                for name in names.split():
                    frame = with_id(golden(name), header.request_id)
                    if header.kind == fp.STATS:
                        frame = frame[socket.send_fds(connection, [frame[:1]], self.descriptors):]
                    connection.sendall(frame)

    def requests(self):
        """What was asked, once all was answered."""
        self._thread.join(5)
        return [request.hex(" ") for request in self.seen]


class Conversations(unittest.TestCase):
    def check(self, script, *names):
        """The requests were the golden ones."""
        expected = [with_id(golden(name), 0).hex(" ") for name in names]
        self.assertEqual(script.requests(), expected)

    def test_hello_ping_barrier(self):
        script = Script(self, "hello-reply-stale", "ping-reply", "ping-empty-reply", "barrier-reply")
        with fp.Client(script.path, owner=7, name="accessd", timeout=5) as client:
            hello = client.hello
            self.assertEqual((hello.version, hello.boot_id, hello.generation), ((1, 1), bytes(range(15, -1, -1)), 1))
            self.assertTrue(hello.stale)
            self.assertEqual([table.stale for table in hello.tables.values()], [True, False, False, False, True])
            self.assertEqual(hello.tables[fp.BINDINGS].digest, fp.digest([LMA_V4, LMA_V6]))
            self.assertEqual(hello.tables[fp.TUNNELS].digest, fp.digest([TUNNEL_ALL]))
            self.assertEqual(hello.tables[fp.PEERS].digest, fp.digest([FAILED]))
            self.assertEqual(client.ping(bytes(range(1, 9))), bytes(range(1, 9)))
            self.assertEqual(client.ping(), b"")
            self.assertEqual(client.barrier(), fp.Outcome(generation=44))
        self.check(script, "hello-request-owner", "ping-request", "ping-empty", "barrier-request")

    def test_transaction(self):
        script = Script(self, "hello-reply-stale", "txn-begin-reply", "outcome-ok", "txn-commit-reply",
                        "txn-begin-reply", "txn-abort-reply", "txn-begin-open")
        with fp.Client(script.path, owner=7, name="accessd", timeout=5) as client:
            with client.replace() as transaction:
                transaction.upsert([LMA_V6, LMA_V4])
            outcome = transaction.outcome
            self.assertEqual((outcome.applied, outcome.unchanged, outcome.removed, outcome.generation), (1, 1, 3, 45))
            client.replace("bindings").abort()
            with self.assertRaises(fp.Refused) as caught:
                client.replace("bindings")
            self.assertEqual(caught.exception.status, fp.CONFLICT)
        upsert = with_id(golden("upsert-lma"), 0)
        # The same frame without ATOMIC, which adds nothing in a transaction.
        self.assertEqual(script.seen[2], upsert[:6] + bytes(2) + upsert[8:])
        del script.seen[2]
        self.check(script, "hello-request-owner", "txn-begin", "txn-commit", "txn-begin-bindings", "txn-abort",
                   "txn-begin-bindings")

    def test_refused_commit(self):
        for name, status, index in (("txn-commit-conflict", fp.CONFLICT, None), ("txn-commit-full", fp.FULL, 1)):
            script = Script(self, "hello-reply-stale", "txn-begin-reply", name)
            with fp.Client(script.path, timeout=5) as client, self.assertRaises(fp.Refused) as caught:
                with client.replace():
                    pass
            self.assertEqual((caught.exception.status, caught.exception.outcome.index), (status, index))

    def test_synchronisation(self):
        script = Script(self, "hello-reply-stale", "sync-begin-reply", "sync-end-conflict", "sync-end-reply")
        with fp.Client(script.path, owner=7, name="accessd", timeout=5) as client:
            sync = client.sync("bindings")
            with self.assertRaises(fp.Refused) as caught:
                sync.end(5_000_000_000)
            self.assertEqual(caught.exception.outcome.field, "count")
            self.assertEqual(sync.end(5_000_000_000).removed, 7)
        self.check(script, "hello-request-owner", "sync-begin", "sync-end", "sync-end")

    def test_events(self):
        events = ("event-changed-set event-changed-delete event-expired event-route-expired event-path-mtu"
                  " event-overflow event-bulk")
        # Events come between the reply to another request and the one before it.
        script = Script(self, "hello-reply-stale", f"subscribe-reply {events}", "event-bulk ping-reply",
                        "subscribe-reply")
        with fp.Client(script.path, owner=7, name="accessd", timeout=5) as client:
            subscription = client.subscribe("changed", "expired", "path-mtu", "peer", timeout=5)
            client.ping(bytes(range(1, 9)))
            found = [next(subscription) for _ in range(8)]
            subscription.close()
            self.assertEqual(list(subscription), [])
        self.assertEqual([event.sequence for event in found], [1, 2, 3, 4, 5, 99, 100, 100])
        self.assertEqual([event.kind for event in found], [1, 1, 2, 2, 5, 0, 12, 12])
        self.assertEqual([event.time for event in found[:3]], [1_000_000_007, 1_000_000_008, 1_000_000_009])
        self.assertEqual([event.name for event in found], [
            "changed", "changed", "expired", "route-expired", "path-mtu", "overflow", "bulk", "bulk"])
        self.assertEqual(found[0].items["tunnel.remote"], "2001:db8:b::1")
        self.assertEqual(found[2].items["mn"], "märzmn1")
        self.assertEqual(dict(found[5].items), {"event": "overflow", "first-lost": "6", "lost": "94"})
        for event, name in zip(found, events.split()):
            self.assertEqual(fp.pack_event(32, event), golden(name))
        self.check(script, "hello-request-owner", "subscribe-request", "ping-request", "subscribe-end")

    def test_statistics(self):
        area = golden("stats-area")
        descriptor = os.memfd_create("area")
        os.write(descriptor, area)
        script = Script(self, "hello-reply-stale", "stats-reply")
        script.descriptors = [descriptor]
        with fp.Client(script.path, owner=7, name="accessd", timeout=5) as client, client.stats() as statistics:
            self.assertEqual(statistics.read(), (
                1_000_000_014, {"rx.core": 12345678901234567890, "drop.no-binding": 0}))
            os.pwrite(descriptor, (1).to_bytes(4, "little"), 12)
            self.assertTrue(statistics.superseded)
        self.check(script, "hello-request-owner", "stats-request")
        os.close(descriptor)

    def test_damaged_statistics(self):
        area = golden("stats-area")
        for at, octet in ((0, 0), (8, 2), (16, 43), (41, 1), (64 + 3, 1), (64 + 9, 1)):
            descriptor = os.memfd_create("area")
            os.write(descriptor, area[:at] + bytes([octet]) + area[at + 1:])
            with self.subTest(at=at), self.assertRaises(fp.ProtocolError):
                with fp.Statistics(descriptor, len(area)) as statistics:
                    statistics.read()

    def test_busy(self):
        with self.assertRaises(fp.Refused) as caught:
            fp.Client(Script(self, "hello-reply-busy").path, timeout=5)
        self.assertEqual(caught.exception.status, fp.UNAVAILABLE)

    def test_hostile_replies(self):
        """Every truncation of every reply, with the header made to agree, ends in an error of the protocol."""
        names = {"hello-reply-stale": lambda client: client.refresh(), "barrier-reply": lambda client: client.barrier(),
                 "lookup-reply": lambda client: client.lookup(MAG1), "stats-reply": lambda client: client.stats(),
                 "dump-slice": lambda client: list(client.dump()), "counters-reply": lambda client: client.counters(),
                 "event-expired": lambda client: client.ping(), "status-reply": lambda client: client.status()}
        for name, ask in names.items():
            frame = golden(name)
            for length in range(0, len(frame) - 24, 3):
                near, far = socket.socketpair()
                with near, far:
                    client = fp.Client.__new__(fp.Client)
                    client._connection = fp.Connection.over(near, 5)
                    client._owner, client._name = 0, ""
                    far.sendall(with_id(length.to_bytes(4, "little") + frame[4:24 + length], 1))
                    far.shutdown(socket.SHUT_WR)
                    with self.subTest(name=name, length=length), self.assertRaises(fp.ProtocolError):
                        ask(client)


class Bulk(unittest.TestCase):
    def test_million_records_cost_little(self):
        """64 MB leave in frames of 2048 without being touched in Python: below 0.1 s of its own time."""
        near, far = socket.socketpair()
        frames = -(-1_000_000 // 2048)
        child = os.fork()
        if child == 0:
            try:
                near.close()
                for _ in range(frames):
                    header, _ = fp.read_frame(far)
                    outcome = fp.pack_outcome(fp.Outcome(applied=header.count))
                    far.sendall(fp.pack_frame(fp.UPSERT, header.request_id, outcome, fp.REPLY))
            finally:
                os._exit(0)
        far.close()
        with near:
            client = fp.Client.__new__(fp.Client)
            client._connection = fp.Connection.over(near, 30)
            client.hello = fp.Hello((1, 1), "write", "lma", bytes(16), 0, fp.LARGEST_PAYLOAD, fp.MOST_RECORDS, "")
            packed = fp.PackedRecords(fp.BINDINGS, 64, bytes(64_000_000))
            before = os.times().user
            self.assertEqual(client.load_packed(packed).applied, 1_000_000)
            self.assertLess(os.times().user - before, 0.1)
        os.waitpid(child, 0)

    def test_back_pressure_never_dead_locks(self):
        """A peer that takes no further request before its reply is taken, and a client that sends 2000 at once."""
        near, far = socket.socketpair()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        text = "x" * 1000

        def serve():
            for _ in range(2000):
                header, _ = fp.read_frame(far)
                outcome = fp.pack_outcome(fp.Outcome(code=fp.INVALID, index=0, field=text, rule=text))
                far.sendall(fp.pack_frame(header.kind, header.request_id, outcome, fp.REPLY, fp.INVALID))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with near, far:
            connection = fp.Connection.over(near, 20)
            requests = [connection.send(fp.UPSERT, bytes(8), bytes(6400), count=100, record_size=64)
                        for _ in range(2000)]
            for request in requests:
                with self.assertRaises(fp.Refused):
                    connection.reply(request)
            thread.join(5)


if __name__ == "__main__":
    unittest.main()
