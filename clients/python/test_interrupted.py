"""Requests that end in the middle: nothing of another one follows on that connection."""

import os
import signal
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fastpath_client as fp  # noqa: E402

LIMIT = 0.2


def binding(number):
    return fp.Binding(f"2001:db8:100:{number:x}::/64", "2001:db8:1::1", "2001:db8:a::1")


class Interrupted(unittest.TestCase):
    def setUp(self):
        near, self.far = socket.socketpair()
        self.addCleanup(self.far.close)
        self.connection = fp.Connection.over(near, LIMIT)
        self.addCleanup(self.connection.close)

    def sent(self):
        """All that the other side gets until the end, which must come."""
        self.far.settimeout(10)
        octets = bytearray()
        while part := self.far.recv(1 << 16):
            octets += part
        return bytes(octets)

    def ends(self, call, *arguments):
        with self.assertRaises(fp.ProtocolError) as caught:
            call(*arguments)
        self.assertIn("connect anew", str(caught.exception))

    def interrupt(self):
        """KeyboardInterrupt in this thread, as Control-C would, once it waits."""
        def strike(*_):
            raise KeyboardInterrupt
        before = signal.signal(signal.SIGALRM, strike)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, LIMIT / 2)

    def test_time_out_in_a_frame(self):
        payload = bytes(range(256)) * 8192
        with self.assertRaises(TimeoutError):
            self.connection.send(fp.UPSERT, payload)
        self.ends(self.connection.send, fp.TXN_ABORT)
        self.ends(self.connection.reply, 1)
        whole = fp.HEADER.pack(len(payload), fp.UPSERT, 0, 1, 0, 0, 0, 0) + payload
        octets = self.sent()
        self.assertTrue(fp.HEADER.size < len(octets) < len(whole) and whole.startswith(octets))

    def test_interrupt_in_a_transaction(self):
        """The end of the `with` block sends no TXN_ABORT into the middle of a frame, and does not wait for its reply."""
        connection = self.connection
        connection.timeout = 30

        class Client(fp.Client):
            def __init__(self):
                self._connection = connection
                self.hello = fp.Hello((1, 1), "write", "lma", bytes(16), 0, 4 << 20, 1 << 16, {}, "none")

        begun = fp.pack_frame(fp.TXN_BEGIN, 1, fp.pack_outcome(fp.Outcome()), fp.REPLY)
        self.far.sendall(begun)
        records = fp.pack_records(binding(number) for number in range(20_000))
        with self.assertRaises(KeyboardInterrupt):
            with Client().replace() as transaction:
                self.interrupt()
                transaction.load_packed(records, per_frame=16384)
        octets = self.sent()
        begin, rest = octets[:32], octets[32:]
        self.assertEqual(fp.HEADER.unpack_from(begin)[1], fp.TXN_BEGIN)
        self.assertTrue(records.octets.startswith(rest[32:]))
        self.assertLess(len(rest), len(records.octets))

    def test_interrupt_while_a_reply_is_waited_for(self):
        """The reply that comes late is not taken for the next one's."""
        self.connection.timeout = 30
        request = self.connection.send(fp.BARRIER)
        self.interrupt()
        with self.assertRaises(KeyboardInterrupt):
            self.connection.reply(request)
        self.ends(self.connection.send, fp.PING)
        self.ends(self.connection.reply, request)
        self.assertEqual(len(self.sent()), 24)

    def test_reply_to_another_request(self):
        request = self.connection.send(fp.BARRIER)
        self.far.sendall(fp.pack_frame(fp.BARRIER, request + 1, fp.pack_outcome(fp.Outcome()), fp.REPLY))
        with self.assertRaises(fp.ProtocolError):
            self.connection.reply(request)
        self.ends(self.connection.send, fp.PING)

    def test_waiting_for_an_event_may_be_interrupted(self):
        self.interrupt()
        with self.assertRaises(KeyboardInterrupt):
            self.connection.next_event(None)
        request = self.connection.send(fp.PING)
        self.far.sendall(fp.pack_frame(fp.PING, request, b"", fp.REPLY))
        self.assertEqual(self.connection.reply(request)[1], b"")


if __name__ == "__main__":
    unittest.main()
