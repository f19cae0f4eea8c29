"""One connection: frames out, frames in, and never a dead lock between the two."""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from typing import Deque, List, Optional, Sequence, Tuple, Union

from .frames import Event, unpack_event, unpack_outcome
from .protocol import EVENT, HEADER, LARGEST_PAYLOAD, OK, Header, ProtocolError, Refused

_READ = 1 << 18
Part = Union[bytes, bytearray, memoryview]


class Connection:
    """A stream of frames to one daemon. Not for several threads at once.

    The daemon stops reading while too many of its replies wait to be read. So whenever the socket takes no more octets,
    what has come is taken in; a caller may send as much as it likes before it asks for the first reply.

    An exception in the middle of a request (a time-out, KeyboardInterrupt) ends the connection, since what would be sent
    next were the rest of a frame to the daemon: everything after it raises `ProtocolError`. Waiting for an event may be
    interrupted.
    """

    def __init__(self, path: str, timeout: float):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(timeout)
            connected.connect(path)
        except BaseException:
            connected.close()
            raise
        self._take_over(connected, timeout)

    @classmethod
    def over(cls, connected: socket.socket, timeout: float) -> "Connection":
        """A connection over a socket that somebody else has connected."""
        made = cls.__new__(cls)
        made._take_over(connected, timeout)
        return made

    def _take_over(self, connected: socket.socket, timeout: float) -> None:
        #: seconds that the daemon may take for the next step of anything
        self.timeout = timeout
        #: events that came while replies were waited for
        self.events: Deque[Event] = deque()
        self._socket = connected
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._input = bytearray()
        self._replies: Deque[Tuple[Header, bytes]] = deque()
        self._descriptors: List[int] = []
        self._takes_descriptors = 0
        self._ended: Optional[str] = None
        #: why nothing more may be sent or read
        self._torn: Optional[str] = None
        self._next_id = 0

    def close(self) -> None:
        """Ends the connection; the daemon aborts its transaction."""
        self._socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def send(self, kind: int, payload: Part = b"", more: Part = b"", *, flags: int = 0, count: int = 0,
             record_size: int = 0) -> int:
        """Sends one request whose payload is both parts; `more` is not copied. Returns the request's id."""
        self._next_id = self._next_id % 0xFFFFFFFF + 1
        header = HEADER.pack(len(payload) + len(more), kind, flags, self._next_id, 0, count, record_size, 0)
        self._write([header + bytes(payload), more])
        return self._next_id

    def reply(self, request_id: int) -> Tuple[Header, bytes]:
        """The next frame that answers a request. Raises `Refused` for any status but ok."""
        self._check_whole()
        try:
            while not self._replies:
                self._take_in(self.timeout)
        except ProtocolError:
            raise
        except BaseException:
            self._tear("the reply to a request was not waited for")
            raise
        header, payload = self._replies.popleft()
        if header.request_id not in (request_id, 0):
            self._tear("a reply was to another request")
            raise ProtocolError(f"a reply to request {header.request_id} came where {request_id} was next")
        if header.status != OK:
            raise Refused(header.status, unpack_outcome(payload))
        return header, payload

    def has_reply(self) -> bool:
        """Whether `reply` would return at once."""
        if not self._replies and self._wait(select.POLLIN, 0):
            self._take_in(self.timeout)
        return bool(self._replies)

    def next_event(self, timeout: Optional[float]) -> Optional[Event]:
        """The next event; None when none comes for so many seconds. Forever, if `timeout` is None."""
        while not self.events:
            if not self._wait(select.POLLIN, timeout):
                return None
            self._take_in(self.timeout)
        return self.events.popleft()

    def expect_descriptor(self) -> None:
        """Before a request whose reply brings a descriptor: the kernel drops one for which a read has no room."""
        self._takes_descriptors += 1

    def descriptor(self) -> int:
        """The descriptor that came with a reply."""
        self._takes_descriptors -= 1
        if not self._descriptors:
            raise ProtocolError("the reply came without a descriptor")
        return self._descriptors.pop(0)

    def _write(self, parts: Sequence[Part]) -> None:
        self._check_whole()
        waiting = [memoryview(part).cast("B") for part in parts if len(part)]
        try:
            self._write_all(waiting)
        except BaseException:
            self._tear("a request was sent by half")
            raise

    def _check_whole(self) -> None:
        if self._torn:
            raise ProtocolError(f"{self._torn}: connect anew")

    def _tear(self, why: str) -> None:
        """Ends the connection: the daemon aborts its transaction, and nothing that is sent is taken for something else."""
        self._torn = self._torn or why
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _write_all(self, waiting: List[memoryview]) -> None:
        while waiting:
            try:
                sent = self._socket.sendmsg(waiting)
            except BlockingIOError:
                if not self._wait(select.POLLIN | select.POLLOUT, self.timeout):
                    raise TimeoutError(f"the daemon took nothing for {self.timeout} s") from None
                self._take_in(0)
                continue
            except (BrokenPipeError, ConnectionResetError):
                self._take_rest()
                return
            while waiting and sent >= len(waiting[0]):
                sent -= len(waiting.pop(0))
            if waiting:
                waiting[0] = waiting[0][sent:]

    def _take_rest(self) -> None:
        """The daemon has closed: what it said before is still there, and `reply` ends in an error after it."""
        while self._ended is None:
            self._take_in(self.timeout)

    def _wait(self, events: int, timeout: Optional[float]) -> bool:
        self._poll.register(self._socket, events)
        return bool(self._poll.poll(None if timeout is None else max(0, timeout * 1000)))

    def _take_in(self, timeout: float) -> None:
        """Reads what is there, and waits for something if nothing is and `timeout` is not 0."""
        self._check_whole()
        if self._ended is not None:
            raise ProtocolError(self._ended)
        if timeout and not self._wait(select.POLLIN, timeout):
            raise TimeoutError(f"the daemon said nothing for {timeout} s")
        try:
            if self._takes_descriptors:
                octets, descriptors, _, _ = socket.recv_fds(self._socket, _READ, 1)
                self._descriptors += descriptors
            else:
                octets = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except ConnectionResetError:
            octets = b""
        if not octets:
            self._ended = "the connection ended" + (" in the middle of a frame" if self._input else "")
            return
        try:
            self._input += octets
            self._parse()
        except BaseException:
            self._tear("what came was read by half")
            raise

    def _parse(self) -> None:
        start, available = 0, len(self._input)
        while available - start >= HEADER.size:
            header = Header(*HEADER.unpack_from(self._input, start))
            if header.length > LARGEST_PAYLOAD:
                self._ended = f"a payload of {header.length} octets is above the limit of {LARGEST_PAYLOAD}"
                break
            end = start + HEADER.size + header.length
            if end > available:
                break
            payload = bytes(self._input[start + HEADER.size:end])
            if header.kind == EVENT and header.status == OK:
                self.events.append(unpack_event(payload))
            else:
                self._replies.append((header, payload))
            start = end
        del self._input[:start]
