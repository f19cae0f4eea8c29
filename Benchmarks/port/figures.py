"""What the suite has measured: figures of each row and device by round, and the result entries they make."""

import os

import results
from devices import WORDS

BASE = "lma"


class Figures:
    """Rows in the order in which they were first measured."""

    def __init__(self, options):
        self.options = options
        self.units, self.goals, self.notes, self.values = {}, {}, {}, {}

    def row(self, name, unit, *, goal=None, note=None):
        """Announces a row; a second time changes nothing."""
        self.units.setdefault(name, unit)
        self.values.setdefault(name, {})
        if goal:
            self.goals[name] = goal
        notes = self.notes.setdefault(name, [])
        if note and note not in notes:
            notes.append(note)

    def add(self, name, device, value):
        """One round's figure of a device."""
        self.values[name].setdefault(device, []).append(value)

    def say(self, name):
        """The last round of a row, on one line."""
        last = ", ".join(f"{device} {values[-1]:.3f}" for device, values in self.values[name].items() if values)
        print(f"  {name} ({self.units[name]}): {last}", flush=True)

    def entries(self, loudest):
        """Result entries; `loudest`: the share of the machine that others used at most when nothing was measured."""
        made = []
        for name, unit in self.units.items():
            if not self.values[name].get(BASE):
                continue
            peers = [
                (device, values, WORDS[device]) for device, values in self.values[name].items() if device != BASE
            ]
            notes = list(self.notes[name])
            if loudest > 0.1:
                notes.append(f"others used up to {loudest:.0%} of the machine")
            made.append(
                results.entry(
                    "port", name, unit, self.values[name][BASE], peers, "; ".join(notes), self.goals.get(name)
                )
            )
        return made


def size_words(size):
    """A frame size in words."""
    return "frames of 78, 594 and 1514 octets, 7 : 4 : 1" if size == "imix" else f"{size}-octet frames"


def table_words(bindings):
    """A table size as it is in names of rows."""
    if bindings >= 1000000 and bindings % 1000000 == 0:
        return f"{bindings // 1000000}m"
    return f"{bindings // 1000}k" if bindings % 1000 == 0 else str(bindings)


def cpus():
    """How many CPUs this machine has."""
    return os.cpu_count() or 1
