"""The groups of rows of the suite: what is measured, of which devices, and in which order."""

import load
from bench import DOWN, MAGS, UP, nics
from figures import cpus, size_words, table_words

DIRECTIONS = (DOWN, UP)
RATE_GOAL = "≥ 1.0 × l2fwd, ≥ 2 × seg6, ≥ 1.5 × xdp-lpm"
SIZES = (128, 512, "imix", 1460)
TABLES = (1000, 10000, 100000)
PEERS = ("lma", "l2fwd", "seg6", "xdp-lpm", "xdp-hash")


class Rates:
    """Both directions at the full table and the smallest frames, all devices."""

    devices = PEERS

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        grow(devices, options.bindings)
        names = {direction: f"lma-{direction}-{table_words(options.bindings)}" for direction in DIRECTIONS}
        medium = f"interfaces {', '.join(nics())}" if nics() else "veth, copy mode"
        words = f"{size_words(78)}, {options.bindings} bindings, {MAGS} tunnels, {medium}"
        for direction, name in names.items():
            up = ", in the tunnel 40 more, sources checked (not by seg6 and l2fwd)" if direction == UP else ""
            figures.row(name, "Mpps", goal=RATE_GOAL, note=words + up)
        for _ in range(options.rounds):
            for direction, name in names.items():
                for device in devices.values():
                    figures.add(name, device.name, device.measure(direction, seconds=options.seconds))
                figures.say(name)


class Sizes:
    """Downlink at the full table, by size of frame."""

    devices = PEERS

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

    devices = PEERS

    @staticmethod
    def first_table(bindings):
        return min(TABLES[0], bindings)

    @staticmethod
    def measure(devices, figures, options):
        for bindings in (*(table for table in TABLES if table < options.bindings), options.bindings):
            grow(devices, bindings)
            name = f"lma-downlink-by-table-{table_words(bindings)}"
            figures.row(name, "Mpps", note=f"{size_words(78)}, {bindings} bindings")
            for _ in range(min(3, options.rounds)):
                for device in devices.values():
                    figures.add(name, device.name, device.measure(DOWN, seconds=options.seconds))
                figures.say(name)


class Workers:
    """One worker beside two, each with a generator and receive queue of its own; real interfaces have one queue here."""

    devices = ("lma", "lma-2")

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        grow(devices, options.bindings)
        name = f"lma-downlink-{table_words(options.bindings)}-workers"
        shared = "" if cpus() >= 4 else f"; on {cpus()} CPUs they share theirs with the generators"
        figures.row(name, "Mpps", note=f"one worker; two of them as the peer{shared}")
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
DEFAULT = [name for name in GROUPS if name != "workers" or not nics()]
