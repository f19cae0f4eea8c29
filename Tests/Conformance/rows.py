"""Conformance rows: packets in, packets out, verdicts, counter deltas. A row is a test, named by its requirement id.

Expected packets are built by Scapy, never by the code under test, and compared byte for byte. Reasons of drops are the
contract's fixed names; where the contract leaves open which of several checks speaks first, a row names all acceptable
reasons. Reasons of packets to the kernel are those of docs/COUNTERS.md.
"""

import re
import unittest
from dataclasses import dataclass, field, replace

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import IPv6, _ICMPv6
from scapy.layers.l2 import Ether

from replay import replay

STEP_SECONDS = 0.001
TIME_TOLERANCE = 0.0002


@dataclass
class Step:
    """One input frame and everything that must come of it."""

    port: str
    frame: bytes
    verdict: str
    reasons: tuple = ()
    out: list = field(default_factory=list)
    # What kernel.pcap shows, when it is not the input frame itself.
    kernel: bytes | None = None
    # An ICMP error about this packet may come out too; the rows on ICMP errors say which.
    answerable: bool = False
    at: float | None = None
    # Ports whose frame is listed with another step: a reassembled packet comes of several.
    shared: list = field(default_factory=list)
    # When its frames leave, where that is not at once (seconds, to TIME_TOLERANCE).
    left: float | None = None


def forwards(port, frame, out_port, out_frame, at=None, left=None):
    """The frame leaves as another, once; `left` says when, if it is kept for a while."""
    return Step(port, bytes(frame), "tx", (), [(out_port, bytes(out_frame))], at=at, left=left)


def drops(port, frame, *reasons, answerable=False, at=None):
    """The frame ends here, with one of these reasons."""
    return Step(port, bytes(frame), "drop", reasons, answerable=answerable, at=at)


def answers(port, frame, reason, out_port, out_frame, at=None):
    """The frame ends here, and an ICMP error about it leaves."""
    return Step(port, bytes(frame), "drop", (reason,), [(out_port, bytes(out_frame))], at=at)


def joins(port, frame, out_port, at=None):
    """A fragment that waits for the step that completes its packet, whose fate it shares."""
    return Step(port, bytes(frame), "tx", shared=[out_port], at=at)


def punts(port, frame, *reasons, kernel=None, at=None):
    """The frame goes to the kernel, unmodified unless `kernel` shows it otherwise."""
    return Step(port, bytes(frame), "kernel", reasons, kernel=None if kernel is None else bytes(kernel), at=at)


@dataclass
class Row:
    """One requirement's case."""

    identifier: str
    title: str
    configuration: object
    steps: list
    records: list = field(default_factory=list)
    script: list = field(default_factory=list)
    # Applied to a frame before it is compared: what nobody can foretell is taken out.
    mask: object = bytes
    # Counters beside those that follow from the steps (rx, tx, drop, kernel).
    counters: dict = field(default_factory=dict)
    # What events.ndjson must tell of, in order: the fields named here, of the kinds of event named here.
    events: list = field(default_factory=list)


class Conformance(unittest.TestCase):
    """Base of the test classes: every row of `rows` becomes a test method."""

    rows = ()
    maxDiff = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for row in cls.rows:
            name = "test_" + re.sub(r"\W+", "_", f"{row.identifier} {row.title}").strip("_")
            if hasattr(cls, name):
                raise ValueError(f"two rows have the name {name}")
            setattr(cls, name, lambda self, row=row: self.check(row))

    def check(self, row):
        """Replays a row and compares everything."""
        packets = [
            (step.port, step.at if step.at is not None else number * STEP_SECONDS, step.frame)
            for number, step in enumerate(row.steps)
        ]
        # A script's clock begins with the first packet: a row whose first packet comes later would mean another moment.
        self.assertTrue(not row.script or min(at for _port, at, _frame in packets) == 0, "a packet at 0 is missing")
        result = replay(row.configuration, packets, records=row.records, script=row.script)
        order = sorted(range(len(packets)), key=lambda number: packets[number][1])
        steps = [replace(row.steps[number], at=packets[number][1]) for number in order]
        self.assertEqual(len(result.verdicts), len(steps), f"one verdict per packet\n{result.words}")
        for number, (step, verdict) in enumerate(zip(steps, result.verdicts, strict=True)):
            self.check_verdict(number, step, verdict)
        self.check_frames(row, steps, result)
        self.check_kernel(steps, result)
        self.check_counters(row, steps, result)
        self.check_events(row, result)

    def check_verdict(self, number, step, verdict):
        """n, in, verdict, reason and out of one line of verdicts.ndjson."""
        what = f"packet {number}: {Ether(step.frame).summary()}: {verdict}"
        self.assertEqual((verdict["n"], verdict["in"]), (number, step.port), what)
        self.assertEqual(verdict["verdict"], step.verdict, what)
        if step.reasons:
            self.assertIn(verdict["reason"], step.reasons, what)
        if not step.answerable:
            self.assertEqual(verdict["out"], [port for port, _ in step.out] + step.shared, what)

    def check_frames(self, row, steps, result):
        """Every port's frames, byte for byte and in order."""
        answerable = any(step.answerable for step in steps)
        leaving = sorted(steps, key=lambda step: step.at if step.left is None else step.left)
        for port, frames in result.frames.items():
            times = result.times[port]
            if answerable:
                kept = [number for number, frame in enumerate(frames) if not is_icmp_error(frame)]
                frames, times = [frames[number] for number in kept], [times[number] for number in kept]
            wanted = [(frame, step.left) for step in leaving for out_port, frame in step.out if out_port == port]
            for number, ((want, left), got, time) in enumerate(zip(wanted, frames, times, strict=False)):
                want, got = row.mask(want), row.mask(got)
                if want != got:
                    self.fail(f"{port}, frame {number} differs\n{difference(want, got)}")
                if left is not None:
                    self.assertAlmostEqual(time, left, delta=TIME_TOLERANCE, msg=f"{port}, frame {number} leaves")
            self.assertEqual(
                len(frames),
                len(wanted),
                f"{port}: frames too few or too many; first extra: "
                + "".join(describe(f) for f in frames[len(wanted) :][:1]),
            )

    def check_kernel(self, steps, result):
        """What the kernel gets, and from where."""
        wanted = [(number, step) for number, step in enumerate(steps) if step.verdict == "kernel"]
        self.assertEqual(len(result.kernel_frames), len(wanted))
        for (number, step), frame, line in zip(wanted, result.kernel_frames, result.kernel, strict=True):
            want = step.frame if step.kernel is None else step.kernel
            if want != frame:
                self.fail(f"kernel.pcap, packet {number} differs\n{difference(want, frame)}")
            self.assertEqual((line["n"], line["port"]), (number, step.port))
            if step.reasons:
                self.assertIn(line["reason"], step.reasons)

    def check_counters(self, row, steps, result):
        """The counters that follow from the steps, those the row names, and the invariant."""
        counters = result.counters
        answerable = any(step.answerable for step in steps)
        for port in result.frames:
            self.assertEqual(counters.get(f"rx.{port}", 0), sum(step.port == port for step in steps), f"rx.{port}")
            if not answerable:
                sent = sum(out_port == port for step in steps for out_port, _ in step.out)
                self.assertEqual(counters.get(f"tx.{port}", 0), sent, f"tx.{port}")
        for verdict in ("drop", "kernel"):
            named = {}
            for step, line in zip(steps, result.verdicts, strict=True):
                # A fragment that a reassembly took in counts there, whatever became of the packet.
                if line["verdict"] == verdict and not step.shared:
                    named[f"{verdict}.{line['reason']}"] = named.get(f"{verdict}.{line['reason']}", 0) + 1
            counted = {name: value for name, value in counters.items() if name.startswith(f"{verdict}.") and value}
            self.assertEqual(counted, named)
        for name, value in row.counters.items():
            self.assertEqual(counters.get(name, 0), value, name)
        self.assertEqual(*balance(counters), "received = transmitted - originated + kernel + dropped + consumed + held")

    def check_events(self, row, result):
        """The events of the kinds that the row names: these, in this order, and no others."""
        kinds = {wanted["event"] for wanted in row.events}
        told = [event for event in result.events if event["event"] in kinds]
        shown = [{name: event.get(name) for name in wanted} for wanted, event in zip(row.events, told, strict=False)]
        self.assertEqual((shown, len(told)), (row.events, len(row.events)), told)


def balance(counters):
    """Both sides of the contract's invariant."""

    def total(prefix):
        return sum(value for name, value in counters.items() if name.startswith(prefix + "."))

    ended = total("kernel") + total("drop") + total("consumed") + counters.get("held", 0)
    return total("rx"), total("tx") - total("originated") + ended


def is_icmp_error(frame):
    """Whether a frame carries an ICMP error, plain or inside one tunnel header."""
    packet = Ether(frame).payload
    while isinstance(packet, IPv6) and isinstance(packet.payload, (IPv6, IP)):
        packet = packet.payload
    if isinstance(packet, IPv6):
        return isinstance(packet.payload, _ICMPv6) and packet.payload.type < 128
    return isinstance(packet, IP) and isinstance(packet.payload, ICMP) and packet.payload.type in (3, 11, 12)


def describe(frame):
    """A frame for a message."""
    return f"{Ether(frame).summary()} [{len(frame)}] {frame.hex()}"


def difference(want, got):
    """Both frames and where they part."""
    where = next((i for i, (a, b) in enumerate(zip(want, got, strict=False)) if a != b), min(len(want), len(got)))
    return f"expected {describe(want)}\n     got {describe(got)}\nfirst difference at octet {where}"
