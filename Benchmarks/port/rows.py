"""The groups of rows of the suite: what is measured, of which devices, and in which order."""

import os

import load
from bench import DOWN, MAGS, UP
from figures import size_words, table_words

DIRECTIONS = (DOWN, UP)
RATE_GOAL = "≥ 1.0 × l2fwd, ≥ 2 × seg6, ≥ 1.5 × xdp-lpm"
SIZES = (128, 512, "mix", 1460)
TABLES = (1000, 10000, 100000)


class Rates:
    """Both directions at the full table and the smallest frames, all devices."""

    devices = ("lma", "l2fwd", "seg6", "xdp-lpm", "xdp-hash")

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        grow(devices, options.bindings)
        names = {direction: f"lma-{direction}-{table_words(options.bindings)}" for direction in DIRECTIONS}
        words = f"{size_words(78)}, {options.bindings} destinations, {MAGS} tunnels, veth, copy mode"
        for direction, name in names.items():
            up = ", in the tunnel 40 more, sources checked (not by seg6)" if direction == UP else ""
            figures.row(name, "Mpps", goal=RATE_GOAL, note=words + up)
        for _ in range(options.rounds):
            for direction, name in names.items():
                for device in devices.values():
                    figures.add(name, device.name, device.measure(direction, seconds=options.seconds))
                figures.say(name)


class Sizes:
    """Downlink at the full table, by size of frame."""

    devices = ("lma", "l2fwd", "seg6", "xdp-hash")

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        grow(devices, options.bindings)
        for _ in range(min(3, options.rounds)):
            for size in SIZES:
                name = f"lma-downlink-{table_words(options.bindings)}-{size}"
                figures.row(name, "Mpps", note=size_words(size))
                for device in devices.values():
                    figures.add(name, device.name, device.measure(DOWN, size=size, seconds=options.seconds))
                figures.say(name)


class Tables:
    """Downlink of the smallest frames, by size of the table; the same devices grow."""

    devices = ("lma", "l2fwd", "seg6", "xdp-lpm", "xdp-hash")

    @staticmethod
    def first_table(bindings):
        return min(TABLES[0], bindings)

    @staticmethod
    def measure(devices, figures, options):
        for bindings in (*(table for table in TABLES if table < options.bindings), options.bindings):
            grow(devices, bindings)
            name = f"lma-downlink-by-table-{table_words(bindings)}"
            figures.row(name, "Mpps", note=f"{size_words(78)}, {bindings} bindings and destinations")
            for _ in range(min(3, options.rounds)):
                for device in devices.values():
                    figures.add(name, device.name, device.measure(DOWN, seconds=options.seconds))
                figures.say(name)


class Workers:
    """One worker beside two, each with a generator and receive queue of its own; not by default with fewer than four CPUs."""

    devices = ("lma", "lma-2")

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        grow(devices, options.bindings)
        name = f"lma-downlink-{table_words(options.bindings)}-workers"
        figures.row(name, "Mpps", note="one worker; two of them as the peer")
        for _ in range(min(3, options.rounds)):
            for device in devices.values():
                figures.add(name, device.name, device.measure(DOWN, seconds=options.seconds))
            figures.say(name)


def grow(devices, bindings):
    """Gives all devices that many bindings."""
    for device in devices.values():
        device.grow(bindings)


#: In the order of the default run.
GROUPS = {
    "tables": Tables,
    "rates": Rates,
    "sizes": Sizes,
    "latency": load.Latency,
    "updates": load.Updates,
    "idle": load.Idle,
    "workers": Workers,
}
DEFAULT = [name for name in GROUPS if name != "workers" or (os.cpu_count() or 1) >= 4]
