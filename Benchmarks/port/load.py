"""The groups of rows that need a known load: loss-free rate, latency, updates meanwhile, and no load at all."""

import json
import os
import subprocess
import time

from bench import BUILT, DOWN, GENERATOR_CPU, was_offered
from figures import size_words, table_words

SIZE = 78
#: A frame in ten thousand may be lost: a virtual CPU that is taken away for some milliseconds overruns every ring.
LOSS = 1e-4
TRIAL_SECONDS = 1.0
#: The search ends when the bounds are 1/64 of the highest rate apart.
STEPS = 6
LOADS = (10, 50, 90)
#: trials for a latency whose load the generator could not offer, since the machine took its CPU
ATTEMPTS = 3
UPDATES_PER_SECOND = 100000


def trial(device, rate, *, seconds=TRIAL_SECONDS):
    """Offers an even load. Returns the share of it that was lost, and whether it could be offered at all."""
    before = device.totals(DOWN)[1]
    generator = device.generate(destinations=device.bindings, seconds=seconds, size=SIZE, rate=rate)
    made = json.loads(generator.communicate(timeout=60)[0])
    time.sleep(0.05)
    lost = max(0, made["frames"] - (device.totals(DOWN)[1] - before)) / made["frames"]
    return lost, was_offered(made, rate)


def loss_free(device, highest):
    """The highest rate, by bisection (RFC 2544 section 26.1), at which no more than `LOSS` is lost; frames a second."""
    low, high = 0.0, highest
    for _ in range(STEPS):
        rate = (low + high) / 2
        lost, offered = trial(device, rate)
        if offered and lost <= LOSS:
            low = rate
        else:
            high = rate
    return low


def offered(attempt):
    """The figure of an attempt that returns it and whether its load could be offered; the machine may take the generator's
    CPU, so that one attempt is not all."""
    for _ in range(ATTEMPTS):
        figure, whole = attempt()
        if whole:
            return figure
    raise RuntimeError(f"the load could not be offered in {ATTEMPTS} attempts: leave the machine alone")


class Latency:
    """Loss-free rate, and latency at shares of it."""

    devices = ("lma", "l2fwd", "seg6", "xdp-lpm", "xdp-hash")

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        for device in devices.values():
            device.grow(options.bindings)
        free = f"lma-loss-free-{table_words(options.bindings)}"
        figures.row(
            free,
            "Mpps",
            note=f"{size_words(SIZE)}, even gaps, trials of {TRIAL_SECONDS} s, at most {LOSS:.2%} lost",
        )
        for _ in range(min(3, options.rounds)):
            for device in devices.values():
                highest = 1.1e6 * device.measure(DOWN, seconds=options.seconds)
                rate = loss_free(device, highest)
                figures.add(free, device.name, rate / 1e6)
                for share in LOADS:
                    note_latency(device, rate, share, figures)
            figures.say(free)
            for share in LOADS:
                for quantile in ("p50", "p99", "p999"):
                    figures.say(f"latency-{quantile}-{share}")


def note_latency(device, rate, share, figures):
    """Latency at a share of the device's own loss-free rate."""
    def attempt():
        device.ask(DOWN, "latencies")
        whole = trial(device, max(1000.0, rate * share / 100))[1]
        return json.loads(device.ask(DOWN, "latencies")), whole

    seen = offered(attempt)
    for quantile in ("p50", "p99", "p999"):
        goal = "≤ seg6's" if (quantile, share) == ("p99", 50) else None
        figures.row(
            f"latency-{quantile}-{share}",
            "µs",
            goal=goal,
            note=f"from the time a frame was due to the far end, at {share} % of the device's own loss-free rate",
        )
        figures.add(f"latency-{quantile}-{share}", device.name, seen[quantile])


class Updates:
    """What a stream of updates costs: rate with it by rate without, and what is lost at half load."""

    devices = ("lma",)

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        device = devices["lma"]
        device.grow(options.bindings)
        figures.row("updates-cost", "%", goal="≤ 5", note=f"{UPDATES_PER_SECOND // 1000} k updates a second meanwhile")
        figures.row(
            "updates-loss", "%", goal="0", note="of half the highest rate, beside the same updates"
        )
        for _ in range(options.rounds):
            cost, alone = cost_of_updates(device, options.seconds)
            figures.add("updates-cost", "lma", cost)
            figures.add("updates-loss", "lma", offered(lambda rate=alone / 2: loss_beside_updates(device, rate)))
            figures.say("updates-cost")
            figures.say("updates-loss")


def cost_of_updates(device, seconds):
    """Percent of the rate, and the rate without them in frames a second."""
    # Before and after, so that a machine that becomes faster or slower meanwhile does not count.
    before = device.measure(DOWN, seconds=seconds)
    updating = stream(device, seconds + 1.5)
    meanwhile = device.measure(DOWN, seconds=seconds)
    applied(updating)
    alone = (before + device.measure(DOWN, seconds=seconds)) / 2
    return 100 * (1 - meanwhile / alone), 1e6 * alone


def loss_beside_updates(device, rate):
    """Percent of an even load, and whether that could be offered."""
    updating = stream(device, 3)
    time.sleep(0.3)
    lost, whole = trial(device, rate, seconds=2)
    applied(updating)
    return 100 * lost, whole


def stream(device, seconds):
    """Starts the updates, on the generator's CPU: the worker's is not the client's to use."""
    program = os.path.join(BUILT, "update")
    arguments = ["taskset", "-c", GENERATOR_CPU, program, device.daemon.socket_path, device.bindings, "stream", seconds, UPDATES_PER_SECOND]
    return device.start(arguments, stdout=subprocess.PIPE, text=True)


def applied(updating):
    """Waits for the end of the updates, which must have come as fast as they should."""
    done = json.loads(updating.communicate(timeout=60)[0])
    rate = done["updates"] / done["seconds"]
    if rate < 0.9 * UPDATES_PER_SECOND:
        raise RuntimeError(f"only {rate:.0f} updates a second")


class Idle:
    """CPU of a worker that has nothing to do."""

    devices = ("lma",)
    SECONDS = 4

    @staticmethod
    def first_table(bindings):
        return bindings

    @staticmethod
    def measure(devices, figures, options):
        device = devices["lma"]
        device.grow(options.bindings)
        figures.row("idle", "%", goal="≤ 1", note="CPU of the worker's thread without packets, no busy polling")
        for _ in range(min(2, options.rounds)):
            before = worker_time(device)
            time.sleep(Idle.SECONDS)
            figures.add("idle", "lma", 100 * (worker_time(device) - before) / Idle.SECONDS)
            figures.say("idle")


def worker_time(device):
    """CPU time of the worker with the most, in seconds; the kernel's own account of it, in nanoseconds."""
    tasks = f"/proc/{device.daemon.process.pid}/task"
    most = 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as file:
            if not file.read().startswith("fp-worker"):
                continue
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
            most = max(most, int(file.read().split()[0]))
    return most / 1e9
