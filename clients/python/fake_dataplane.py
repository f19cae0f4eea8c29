#!/usr/bin/env python3
"""A stand-alone fake data plane: it speaks the table protocol and keeps the records in dictionaries, so that a control
daemon can be written and tested without privileges or interfaces. It forwards nothing, nothing
expires, and tunnels stay until they are deleted.

    python3 fake_dataplane.py /tmp/fake.sock [--role lma|mag]
"""

from __future__ import annotations

import argparse
import os
import socketserver
import threading
from typing import Dict, List, Optional, Tuple

import fastpath_client as fp
from fake_events import News
from fake_outbox import Outbox
from fake_session import Session
from fake_statistics import StatisticsArea
from fake_tables import BULK, FakeTables, Refusal

__all__ = ["FakeDataPlane", "Refusal", "Server"]


class FakeDataPlane(FakeTables):
    """The tables, and what all connections share."""

    def __init__(self, role: str = "lma", ports: Tuple[str, ...] = ("access1", "access2")):
        super().__init__(ports)
        self.role = role
        #: "read" makes every connection one that may not write
        self.access = "write"
        self.most_connections = 1000
        #: what STATUS and COUNTERS answer; counters of 0 are shown with --all only
        self.status: List[Tuple[str, str]] = [("role", role)]
        self.counters: Dict[str, int] = {}
        #: (type, flags, count, record size) of every request
        self.seen: List[Tuple[int, int, int, int]] = []
        self.transactions = 0
        self.connections = 0
        self.outboxes: List[Outbox] = []
        self.lock = threading.RLock()
        self._area: Optional[StatisticsArea] = None
        self.tell = self._tell_of_changes

    def emit(self, name: str, **items: object) -> None:
        """Tells all subscribers of something, e.g. `emit("unbound", prefix="2001:db8:100:1::/64", port="core")`."""
        kind = fp.EVENT_KINDS["expired" if name == "route-expired" else name]
        pairs = [("event", name)] + [(key.replace("_", "-"), str(value)) for key, value in items.items()]
        with self.lock:
            for outbox in self.outboxes:
                outbox.event(kind, pairs)

    def expire(self, binding: fp.Binding, reason: str = "lifetime") -> None:
        """Ends a binding as its lifetime would."""
        with self.lock:
            found = self._get(binding)
            if isinstance(found, fp.Binding) and self._remove(found, News("changed", 0)):
                self.generation += 1
                named = {"mn": found.mn} if found.mn else {}
                self.emit("expired", table=found.table, prefix=found.prefix, **named, reason=reason)

    def disconnect_all(self) -> None:
        """Loses every connection; the tables stay."""
        with self.lock:
            for outbox in self.outboxes:
                outbox.disconnect()

    def statistics(self) -> StatisticsArea:
        """The area of counters, made when it is first asked for and when the names have changed."""
        if self._area is None or set(self._area.names) != set(self.counters):
            if self._area:
                self._area.refresh(self.counters, superseded=True)
            self._area = StatisticsArea(self.counters)
        return self._area

    def refresh_statistics(self) -> None:
        """Writes the counters into the area, if there is one."""
        with self.lock:
            if self._area:
                self._area.refresh(self.counters, superseded=set(self._area.names) != set(self.counters))

    def _tell_of_changes(self, news: News) -> None:
        for outbox in self.outboxes:
            if outbox.owner == news.owner or not news.changes:
                continue
            if len(news.changes) > BULK:
                outbox.event(fp.EVENT_KINDS["bulk"], news.bulk())
                continue
            for items in news.changes:
                outbox.event(fp.EVENT_KINDS["changed"], items)


class _Connection(socketserver.BaseRequestHandler):
    """Reads requests and hands them to the session, whose replies leave through the outbox."""

    def handle(self) -> None:
        plane: FakeDataPlane = self.server.plane  # type: ignore[attr-defined]
        outbox = Outbox(self.request)
        session = Session(plane, outbox, self.request)
        with plane.lock:
            plane.connections += 1
            plane.outboxes.append(outbox)
            is_busy = plane.connections > plane.most_connections
        try:
            if is_busy:
                outbox.reply(session.busy())
            while not is_busy and session.serve(*self._frame()):
                pass
        except (fp.ProtocolError, OSError):
            pass
        finally:
            outbox.end()
            with plane.lock:
                plane.connections -= 1
                plane.outboxes.remove(outbox)
                session.end()

    def _frame(self) -> Tuple[fp.Header, bytes]:
        header = fp.read_header(self.request)
        # What is above the limit is answered by its header alone, since the connection ends with that.
        return header, fp.read_payload(self.request, header) if header.length <= fp.LARGEST_PAYLOAD else b""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves one plane on a socket."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, plane: FakeDataPlane):
        self.plane = plane
        super().__init__(path, _Connection)

    def service_actions(self) -> None:
        """Called by `serve_forever` between requests, twice a second or more often."""
        self.plane.refresh_statistics()

    def serve_forever(self, poll_interval: float = 0.1) -> None:
        """Until `shutdown`."""
        super().serve_forever(poll_interval)


def main() -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(description="A fake fastpath data plane.")
    parser.add_argument("socket")
    parser.add_argument("--role", choices=("lma", "mag"), default="lma")
    arguments = parser.parse_args()
    with Server(arguments.socket, FakeDataPlane(arguments.role)) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            os.unlink(arguments.socket)


if __name__ == "__main__":
    main()
