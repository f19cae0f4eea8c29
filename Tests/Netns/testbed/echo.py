"""Echo requests and their answers (RFC 4443 section 4, RFC 792), counted one by one."""

import os
import select
import socket
import struct
import time

_ICMP6_FILTER = 1
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}


class Echo:
    """A raw socket of the namespace in which it was opened.

    ping(8) of iputils gives the last answer, once any has come, no longer than two round trips or the interval: on a busy
    machine that is a matter of luck. Here each answer has the same time, and nobody waits once all have come.
    """

    def __init__(self, address, source=None):
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address = address
        self.identifier = os.urandom(2)
        protocol = socket.IPPROTO_ICMPV6 if self.family == socket.AF_INET6 else socket.IPPROTO_ICMP
        self.socket = socket.socket(self.family, socket.SOCK_RAW, protocol)
        if self.family == socket.AF_INET6:
            # A set bit blocks a type; neighbour discovery would fill the queue.
            blocked = (1 << 256) - 1 ^ 1 << _REPLY[self.family]
            words = [blocked >> 32 * index & 0xFFFFFFFF for index in range(8)]
            self.socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))
        if source:
            self.socket.bind((source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def answered(self, count, size, interval, wait):
        """Sends `count` requests of `size` octets. Returns how many different ones are answered in time."""
        payload = os.urandom(size)
        missing, answers = set(), 0
        for sequence in range(count):
            self.socket.sendto(self._message(sequence, payload), (self.address, 0))
            missing.add(sequence)
            pause = interval if sequence + 1 < count else wait
            answers += self._collect(missing, payload, time.monotonic() + pause, is_last=sequence + 1 == count)
        return answers

    def _message(self, sequence, payload):
        def header(checksum):
            return struct.pack("!BBH2sH", _REQUEST[self.family], 0, checksum, self.identifier, sequence)

        # The kernel fills in ICMPv6's checksum, not ICMP's.
        return header(internet_checksum(header(0) + payload) if self.family == socket.AF_INET else 0) + payload

    def _collect(self, missing, payload, end, *, is_last):
        """Takes answers until the time has come, or until the last request's answers are all there."""
        answers = 0
        while not (is_last and not missing):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                break
            sequence = self._sequence(self.socket.recv(65536), payload)
            if sequence in missing:
                missing.remove(sequence)
                answers += 1
        return answers

    def _sequence(self, octets, payload):
        """Of an answer to us with the right octets; None of anything else."""
        if self.family == socket.AF_INET:
            octets = octets[(octets[0] & 0x0F) * 4:]
        kind, code, _, identifier, sequence = struct.unpack_from("!BBH2sH", octets)
        is_ours = (kind, code, identifier) == (_REPLY[self.family], 0, self.identifier)
        return sequence if is_ours and octets[8:] == payload else None


def internet_checksum(octets):
    """RFC 1071."""
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
