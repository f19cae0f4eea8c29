"""What the fake data plane has to say on one connection: replies in order, events between them, both bounded."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from typing import Deque, Optional, Sequence, Tuple

import fastpath_client as fp

#: Frames of replies that may wait: then the connection is not read any more.
REPLIES = 64
#: Events that may wait: further ones are lost, and the subscriber is told.
EVENTS = 1024


class Outbox:
    """Sends in a thread of its own, so that a client that does not read holds up nobody else."""

    def __init__(self, connection: socket.socket, owner: int = 0):
        self.owner = owner
        self._connection = connection
        self._changed = threading.Condition()
        #: frames, and a descriptor that goes with one, or -1
        self._replies: Deque[Tuple[bytes, int]] = deque()
        self._events: Deque[bytes] = deque()
        self._subscription: Optional[Tuple[int, int]] = None
        self._sequence = self._first_lost = 0
        self._is_ending = self._has_ended = False
        self._sender = threading.Thread(target=self._send_all, daemon=True)
        self._sender.start()

    def reply(self, frame: bytes, descriptor: int = -1) -> None:
        """Waits while too many replies wait."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._replies) < REPLIES or self._has_ended)
            self._replies.append((frame, descriptor))
            self._changed.notify_all()

    def end(self) -> None:
        """Sends the replies that are there; nothing follows."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._sender.join(timeout=5)

    def disconnect(self) -> None:
        """Ends the connection as a lost one does."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def subscribe(self, request_id: int, mask: int, reply: bytes) -> None:
        """Begins anew, or ends with mask 0; the reply goes before the first event."""
        with self._changed:
            self._events.clear()
            self._sequence = self._first_lost = 0
            self._subscription = (request_id, mask) if mask else None
            self._replies.append((reply, -1))
            self._changed.notify_all()

    def event(self, kind: int, items: Sequence[Tuple[str, str]]) -> None:
        """Queues an event for which there is a subscription."""
        with self._changed:
            if self._subscription is None or not self._subscription[1] >> kind & 1:
                return
            self._sequence += 1
            if self._first_lost or len(self._events) >= EVENTS:
                self._first_lost = self._first_lost or self._sequence
                return
            self._events.append(self._frame(self._subscription[0], kind, items))
            self._changed.notify_all()

    def _frame(self, request_id: int, kind: int, items: Sequence[Tuple[str, str]]) -> bytes:
        return fp.pack_event(request_id, fp.Event(self._sequence, time.monotonic_ns(), kind, dict(items)))

    def _next(self) -> Optional[Tuple[bytes, int]]:
        """The next frame; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_ending or self._replies or self._events)
            if self._replies:
                frame = self._replies.popleft()
            elif self._is_ending:
                return None
            else:
                frame = self._events.popleft(), -1
                if self._first_lost and self._subscription:
                    lost = self._sequence - self._first_lost + 1
                    self._events.append(self._frame(self._subscription[0], 0, [
                        ("event", "overflow"), ("first-lost", str(self._first_lost)), ("lost", str(lost))]))
                    self._first_lost = 0
            self._changed.notify_all()
            return frame

    def _send_all(self) -> None:
        try:
            while (found := self._next()) is not None:
                frame, descriptor = found
                if descriptor >= 0:
                    frame = frame[socket.send_fds(self._connection, [frame], [descriptor]):]
                self._connection.sendall(frame)
        except OSError:
            pass
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()
