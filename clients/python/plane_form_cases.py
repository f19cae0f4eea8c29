"""What every data plane must refuse for its form, and with which status; as plane_cases.py."""

from __future__ import annotations

import socket
import struct
from typing import List, Tuple

import fastpath_client as fp
from plane_cases import binding, LMAA, MAG1, Plane


class Forms(Plane):
    """Frames and records that are not as the page says."""

    def stream(self, greets: bool = True) -> socket.socket:
        """A socket for octets that no client sends."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(stream.close)
        stream.settimeout(20)
        stream.connect(self.path)
        if greets:
            self.assertEqual(self.answer(stream, fp.HELLO, fp.pack_hello(7, "stream")), fp.OK)
        return stream

    def answer(self, stream: socket.socket, kind: int, payload: bytes = b"", flags: int = 0, count: int = 0,
               size: int = 0, reserved: int = 0) -> int:
        """The status of one request."""
        stream.sendall(fp.HEADER.pack(len(payload), kind, flags, 5, 0, count, size, reserved) + payload)
        header, _ = fp.read_frame(stream)
        self.assertEqual((header.kind, header.request_id), (kind, 5))
        return header.status

    def assert_lives(self, stream: socket.socket) -> None:
        """The connection serves on."""
        self.assertEqual(self.answer(stream, fp.PING), fp.OK)

    def test_whatever_comes_before_hello_is_told_so(self) -> None:
        for kind, payload, flags in ((99, b"", 0), (fp.UPSERT, b"\1", 0), (fp.PING, b"", fp.ATOMIC), (fp.PING, b"", 1 << 9)):
            stream = self.stream(greets=False)
            self.assertEqual(self.answer(stream, kind, payload, flags), fp.HELLO_REQUIRED)
            self.assertEqual(stream.recv(1), b"")

    def test_flags(self) -> None:
        """One that is of no version known is unsupported, one in the wrong place malformed."""
        stream = self.stream()
        for bit in (4, 9, 14):
            self.assertEqual(self.answer(stream, fp.PING, flags=1 << bit), fp.UNSUPPORTED)
            self.assertEqual(self.answer(stream, fp.UPSERT, bytes(8), flags=1 << bit | fp.ATOMIC), fp.UNSUPPORTED)
        for flag in (fp.ATOMIC, fp.MORE, fp.REPLACE, fp.REPLY):
            self.assertEqual(self.answer(stream, fp.PING, flags=flag), fp.MALFORMED)
        self.assert_lives(stream)

    def test_reserved_fields(self) -> None:
        stream = self.stream()
        self.assertEqual(self.answer(stream, fp.PING, reserved=1), fp.MALFORMED)
        for octet in range(2, 8):
            prelude = bytes(octet) + b"\1" + bytes(7 - octet)
            for kind in (fp.UPSERT, fp.DELETE, fp.TXN_BEGIN, fp.SYNC_BEGIN):
                self.assertEqual(self.answer(stream, kind, prelude, fp.REPLACE if kind == fp.TXN_BEGIN else 0), fp.MALFORMED)
        hello = fp.pack_hello(7, "x")
        self.assertEqual(self.answer(stream, fp.HELLO, hello[:10] + b"\1" + hello[11:]), fp.MALFORMED)
        self.assert_lives(stream)

    def test_sizes(self) -> None:
        """Only a payload above the limit ends the connection."""
        stream, prelude = self.stream(), fp.TABLE.pack(fp.PEERS, 0, 0)
        for size in (0, 1025, 0xFFFF):
            self.assertEqual(self.answer(stream, fp.UPSERT, prelude + bytes(size), count=1, size=size), fp.MALFORMED)
        self.assertEqual(self.answer(stream, fp.UPSERT, prelude, count=65_537, size=32), fp.TOO_LARGE)
        self.assertEqual(self.answer(stream, fp.UPSERT, prelude), fp.OK)
        stream.sendall(fp.HEADER.pack((4 << 20) + 1, fp.UPSERT, 0, 5, 0, 1, 64, 0))
        self.assertEqual(fp.read_frame(stream)[0].status, fp.TOO_LARGE)
        self.assertEqual(stream.recv(1), b"")

    def refused_records(self, kind: int, table: int, good: bytes, spoiled: List[Tuple[int, bytes]]) -> None:
        """Each change of a good record is refused by its index, and nothing of its frame is applied."""
        client, stream = self.client(), self.raw()
        before = client.refresh()
        for offset, octets in spoiled:
            with self.subTest(kind=kind, table=table, offset=offset, octets=octets.hex()):
                bad = good[:offset].ljust(offset, b"\0") + octets + good[offset + len(octets):]
                outcome = self.refused(fp.INVALID, stream.reply, stream.send(
                    kind, fp.TABLE.pack(table, 0, 0), good.ljust(len(bad), b"\0") + bad, count=2, record_size=len(bad)))
                self.assertEqual((outcome.index, outcome.applied, outcome.code), (1, 0, fp.INVALID))
        after = client.refresh()
        self.assertEqual((after.tables, after.generation), (before.tables, before.generation))

    def test_records(self) -> None:
        family = [(0, b"\5"), (0, b"\0")]
        self.refused_records(fp.UPSERT, fp.BINDINGS, fp.pack_record(binding(1)), [
            (0, b"\2"), (1, b"\5"), (2, b"\x81"), (2, b"\x1f"), (3, b"\7"), (4, b"\x02"), (4, b"\x80"), (5, b"\2"),
            (5, b"\x08"), (7, b"\x80"), (12, b"\1"), (3, b"\3"), (31, b"\1"), (32, bytes(16)), (48, bytes(16)),
            (64, b"a"), (88, b"\1"), (96, b"\1"), (128, b"\xc3\x28"), (192, b"\1")])
        tunnel = fp.pack_record(fp.Tunnel(LMAA, MAG1, hop_limit=9, mtu=1400, dscp=7))
        self.refused_records(fp.UPSERT, fp.TUNNELS, tunnel, family + [
            (1, b"\0"), (2, b"\x40"), (3, b"\4"), (4, b"\x24"), (5, b"\1"), (8, b"\x43\0"), (11, b"\1"), (48, b"\1")])
        self.refused_records(fp.UPSERT, fp.PEERS, fp.pack_record(fp.Peer(MAG1)), family + [
            (1, b"\0"), (1, b"\3"), (2, b"\1"), (15, b"\1"), (32, b"\1")])

    def test_keys(self) -> None:
        """A flag that is not known may mean less or more than this key."""
        self.client().upsert([binding(1), fp.Tunnel(LMAA, MAG1), fp.Peer(MAG1)])
        key = fp.pack_key(fp.Key(binding(1)))
        self.refused_records(fp.DELETE, fp.BINDINGS, key, [
            (0, b"\2"), (1, b"\5"), (2, b"\x1f"), (31, b"\1"), (5, b"\4"), (5, b"\x08"), (7, b"\x80"), (192, b"\1")])
        self.refused_records(fp.DELETE, fp.BINDINGS, fp.pack_key(fp.Revocation(MAG1)), [
            (0, b"\1"), (1, b"\6"), (16, b"\x20"), (4, b"\1"), (5, b"\x0a")])
        self.refused_records(fp.DELETE, fp.TUNNELS, fp.pack_key(fp.Key(fp.Tunnel(LMAA, MAG1))), [(0, b"\5"), (5, b"\1")])
        self.refused_records(fp.DELETE, fp.PEERS, fp.pack_key(fp.Key(fp.Peer(MAG1))), [(0, b"\5"), (32, b"\1")])
        # Whole records are keys too.
        client = self.client()
        raw, whole = self.raw(), fp.pack_record(binding(1, lifetime=9, mn="mn1@example"))
        raw.reply(raw.send(fp.DELETE, fp.TABLE.pack(fp.BINDINGS, 0, 0), whole, count=1, record_size=len(whole)))
        self.assertEqual(self.bindings(client), [])

    def test_mixed_records(self) -> None:
        raw, peer = self.raw(), fp.pack_record(fp.Peer(MAG1))
        for tag in (struct.pack("<Q", 6), struct.pack("<Q", fp.PEERS | 1 << 16), bytes(8)):
            outcome = self.refused(fp.INVALID, raw.reply, raw.send(
                fp.UPSERT, bytes(8), struct.pack("<Q", fp.PEERS) + peer + tag + peer, count=2, record_size=40))
            self.assertEqual(outcome.index, 1)
        outcome = self.refused(fp.INVALID, raw.reply, raw.send(
            fp.UPSERT, bytes(8), struct.pack("<Q", fp.PEERS), count=1, record_size=8))
        self.assertEqual(outcome.index, 0)
        self.assertEqual(list(self.client().dump()), [])
