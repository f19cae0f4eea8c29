"""One replay's worth of sequences: what goes in, and what the model says must come of it.

Operations happen at multiples of four milliseconds, packets one behind, and what is held is too old at three behind:
nothing ever happens at the same time as something else, so no order is left to chance.
"""

import json
from dataclasses import dataclass, field

from . import wire
from .tables import Drop, Either, Hold, Kernel, Send

STEP = 4
TIMEOUT = 2002
PER_NODE = 5  # so that a release is one burst: what is paced is tested by rows
TOTAL = 7


@dataclass
class Held:
    """A packet in a queue."""

    serial: int
    at: int
    account: str
    destination: str
    inner: bytes
    tunnel: tuple


@dataclass
class History:
    """Input, script and expectations; `tables` is the model."""

    tables: object
    now: int = 0
    packets: list = field(default_factory=list)
    script: list = field(default_factory=list)
    # By packet number: what may become of it.
    fates: list = field(default_factory=list)
    # (time, packet number, port, frame)
    sent: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    queues: dict = field(default_factory=dict)
    # When a release ended last.
    settled: int = -100
    # Which sequence each packet belongs to, and what happened in it, in words.
    sequence: int = 0
    origins: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def begin(self, port):
        """A frame that the kernel gets, whatever the tables hold: the clock of the script begins with it."""
        self.packets.append((port, 0.0, b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x88\xb5" + b"0" * 46))
        self.origins.append(0)
        self.fates.append(Kernel())
        self.wait(1)

    def wait(self, steps):
        """Time passes; what ends meanwhile ends at its time."""
        until = self.now + steps * STEP
        while True:
            times = [time for time in self.tables.ends() if time <= until]
            times += [held.at + TIMEOUT for queue in self.queues.values() for held in queue]
            times = [time for time in times if time <= until]
            self.now = self.tables.now = min(times, default=until)
            for queue in self.queues.values():
                while queue and queue[0].at + TIMEOUT <= self.now:
                    self.fates[queue.pop(0).serial] = Drop({"buffer-timeout"})
            self.tables.pass_time()
            self.settle()
            self.end_releases()
            if not times:
                return

    def operate(self, operation, values, method):
        """One scripted operation. `method` is the model's."""
        self.let_settle()
        self.script.append({"at": self.now / 1000, "op": operation, **values})
        self.notes.append((self.sequence, None, f"line {len(self.script)}: {json.dumps(self.script[-1])}"))
        if not method(values):
            self.refused.append(len(self.script))
            return
        key = values.get("prefix")
        if operation == "set" and key in self.queues and values.get("state", "active") == "active":
            self.cancel(key)
        self.settle()
        self.end_releases()

    def cancel(self, prefix):
        for held in self.queues.pop(prefix):
            self.fates[held.serial] = Drop({"buffer-cancelled"})

    def settle(self):
        """Queues follow their bindings."""
        for prefix in list(self.queues):
            entry = self.tables.pmip.get(prefix)
            if entry is None or entry.state in ("pending", "deregistering"):
                self.cancel(prefix)
            elif entry.state != "buffering":
                for held in self.queues.pop(prefix):
                    self.release(held)

    def account(self, entry):
        """Whose packets they are: the mobile node's, or the binding's that names none."""
        return entry.record.get("mn", entry.prefix)

    def end_releases(self):
        """`flushing` ends as active when nothing of the mobile node waits any more; the product looks every 5 ms."""
        waiting = {held.account for queue in self.queues.values() for held in queue}
        for entry in self.tables.pmip.values():
            if entry.state == "flushing" and self.account(entry) not in waiting:
                entry.state, entry.flushed = "active", True
                self.settled = self.now

    def let_settle(self):
        """Nothing is asked in the moment in which a release may have ended already or not yet."""
        if self.now - self.settled < 5 * STEP:
            self.wait(5)

    def release(self, held):
        """A held packet goes where it would go now."""
        entry = self.tables.longest(held.destination)
        if entry is None:
            return self.conclude(held.serial, Drop({"not-on-link", "buffer-cancelled"}))
        outcome = self.tables.delivered(entry, held.inner, held.tunnel)
        if entry.state in ("pending", "deregistering"):
            outcome.reasons.add("buffer-cancelled")
        if entry.state == "redirecting":
            # To where the mobile node is now, even if that is where the packet came from.
            outcome = self.tables.delivered(entry, held.inner, None)
        self.conclude(held.serial, outcome)

    def receive(self, port, frame, destination, outcome, words, tunnel=None):
        """One packet, one behind the operations of now."""
        at = self.now + 1
        serial = len(self.packets)
        self.packets.append((port, at / 1000, frame))
        self.origins.append(self.sequence)
        self.fates.append(outcome)
        self.notes.append((self.sequence, serial, f"packet {serial} at {at / 1000} on {port}: {words}"))
        if isinstance(outcome, Hold):
            self.hold(serial, at, destination, outcome.entry, tunnel)
        else:
            self.conclude(serial, outcome, at)
        self.wait(1)

    def hold(self, serial, at, destination, entry, tunnel):
        account = self.account(entry)
        waiting = [held for queue in self.queues.values() for held in queue]
        mine = [held for held in waiting if held.account == account]
        if len(mine) >= PER_NODE or len(waiting) >= TOTAL:
            self.fates[serial] = Drop({"buffer-full"})
            return
        inner = wire.packet(CN_OF[":" in destination], destination, 63, payload(serial))
        self.queues.setdefault(entry.prefix, []).append(Held(serial, at, account, destination, inner, tunnel))

    def conclude(self, serial, outcome, at=None):
        self.fates[serial] = outcome
        if isinstance(outcome, Send):
            self.sent.append((self.now if at is None else at, serial, outcome.port, outcome.frame))

    def problems(self, result):
        """(sequence or None, what is wrong) for each difference between the model and a replay's result."""
        for number, (fate, verdict) in enumerate(zip(self.fates, result.verdicts, strict=True)):
            if not agrees(fate, verdict):
                yield self.origins[number], f"packet {number} at {self.packets[number][1]}: {fate} but {verdict}"
        lines = [event["line"] for event in result.events if event["event"] == "refused"]
        if lines != self.refused:
            yield None, f"script lines refused: {self.refused} expected, {lines} were"
        open_fates = {n for n, fate in enumerate(self.fates) if isinstance(fate, Either)}
        for port, frames in result.frames.items():
            frames = [frame for frame in frames if not wire.is_icmp_error(frame)]
            wanted = sorted(entry for entry in self.sent if entry[2] == port)
            # What an open choice sent is not compared: its payload says whose it is.
            frames = [frame for frame in frames if number_of(frame) not in open_fates]
            for (_at, serial, _port, frame), got in zip(wanted, frames, strict=False):
                if frame != got:
                    yield self.origins[serial], f"{port}: packet {serial}: {frame.hex()} expected, {got.hex()} left"
                    break
            if len(wanted) != len(frames):
                yield None, f"{port}: {len(wanted)} frames expected, {len(frames)} left"

    def story(self, sequence, result):
        """What happened in a sequence, with what the model says and what the product did."""
        for origin, serial, words in self.notes:
            if origin == sequence:
                yield words if serial is None else f"{words}: {self.fates[serial]}: {result.verdicts[serial]}"


CN_OF = {True: "2001:db8:c::1", False: "198.51.100.1"}


def payload(serial):
    """What makes a packet this one."""
    return b"fastpath%08d" % serial


def number_of(frame):
    """The packet number in a frame's payload."""
    return int(frame[-8:])


def agrees(fate, verdict):
    """Whether a verdict is one that the model allows."""
    if isinstance(fate, Either):
        return any(agrees(one, verdict) for one in fate)
    if isinstance(fate, Drop):
        return verdict["verdict"] == "drop" and verdict["reason"] in fate.reasons
    if isinstance(fate, Kernel):
        return verdict["verdict"] == "kernel"
    if isinstance(fate, Send):
        return verdict["verdict"] == "tx" and verdict["out"] == [fate.port]
    return False
