"""The client against the fake data plane."""

import os
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fastpath_client as fp  # noqa: E402
import plane_cases  # noqa: E402
import plane_event_cases  # noqa: E402
import plane_form_cases  # noqa: E402
import plane_session_cases  # noqa: E402
from fake_dataplane import FakeDataPlane, Server  # noqa: E402


class Fake:
    """A fake data plane for each test."""

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="fp-")
        self.addCleanup(shutil.rmtree, directory)
        self.path = os.path.join(directory, "fake.sock")
        self.plane = FakeDataPlane()
        self.plane.counters = {"rx.core": 5, "drop.no-binding": 0}
        server = Server(self.path, self.plane)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.addCleanup(server.shutdown)


class Requests(Fake, plane_cases.Requests):
    pass


class Records(Fake, plane_cases.Records):
    pass


class Forms(Fake, plane_form_cases.Forms):
    pass


class Transactions(Fake, plane_session_cases.Transactions):
    pass


class Synchronisations(Fake, plane_session_cases.Synchronisations):
    pass


class Events(Fake, plane_event_cases.Events):
    def test_hooks(self):
        """What an author makes happen is told."""
        client = self.client()
        client.upsert([plane_cases.binding(1, mn="mn1@example")])
        subscription = client.subscribe(timeout=5)
        self.plane.emit("buffer-overflow", prefix="2001:db8:100:1::/64", address="2001:db8:100:1::5", port="core")
        self.plane.expire(plane_cases.binding(1))
        self.assertEqual(next(subscription).items["address"], "2001:db8:100:1::5")
        event = next(subscription)
        self.assertEqual((event.kind, event.name, event.items["mn"]), (2, "expired", "mn1@example"))
        self.assertEqual(self.bindings(client), [])


class Counters(Fake, plane_event_cases.Counters):
    def test_new_names_make_a_new_area(self):
        client = self.client()
        with client.stats() as statistics:
            self.assertEqual(statistics.read()[1], {"rx.core": 5, "drop.no-binding": 0})
            with self.plane.lock:
                self.plane.counters = {"rx.core": 6, "tx.core": 2}
            with client.stats() as newer:
                self.assertTrue(statistics.superseded)
                self.assertEqual(newer.read()[1], {"rx.core": 6, "tx.core": 2})


class Access(Fake, plane_cases.Plane):
    def test_reader_may_not_write(self):
        self.plane.access = "read"
        client = self.client()
        self.assertEqual(client.hello.access, "read")
        self.refused(fp.NOT_PERMITTED, client.upsert, [plane_cases.binding(1)])
        self.refused(fp.NOT_PERMITTED, client.replace)
        self.refused(fp.NOT_PERMITTED, client.sync)
        client.barrier()
        client.subscribe().close()

    def test_too_many_connections(self):
        self.plane.most_connections = 2
        clients = [self.client(), self.client()]
        self.refused(fp.UNAVAILABLE, self.client)
        clients[0].close()
        clients[1].ping()


if __name__ == "__main__":
    unittest.main()
