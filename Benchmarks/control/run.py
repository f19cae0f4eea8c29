#!/usr/bin/python3
"""Suite `control`: the table protocol against a running daemon, over its real socket.

Usage: Benchmarks/control/run.py [--rounds N] [--bindings N] [--only ROW …]
(Benchmarks/run.py control runs it with the defaults and records the result.)

Each round is a fresh LMA of the suite `port` in namespaces: loaded by the Python client's bulk path, synchronised,
updated idle and beside a bulk load, then under half of the load that it can forward: handovers and a stream of
updates. Another fresh one is loaded by fastpathctl from NDJSON.
"""

import argparse
import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import results  # noqa: E402
from bed import SIZE, Domain, bench, build, fp, packed, write_ndjson  # noqa: E402
from bench import Bed, busy  # noqa: E402
from testbed.command import CommandFailed, run  # noqa: E402

#: row: (unit, goal, what the figure is)
ROWS = {
    "load-1m": ("s", "≤ 1.0", "Python client, packed records from memory, first octet sent to last frame published"),
    "load-1m-ndjson": ("s", "≤ 4", "fastpathctl load, from its start to its end"),
    "sync-1m": ("s", "≤ 0.6", "SYNC_BEGIN, all records said with equal values, SYNC_END"),
    "set": ("µs", "≤ 150", "p99 of single updates, idle"),
    "set-during-load": ("µs", "≤ 2000", "p99 of single updates while another connection loads without a pause"),
    "handover-effect": ("µs", "≤ 300", "p99 of write to first packet on the new tunnel, at half load"),
    "updates": ("k/s", "≥ 500", "sustained in frames of 512, at half load"),
    "updates-loss": ("%", "0", "packets lost meanwhile"),
    "memory": ("MB", "≤ 450", "resident, whole daemon, after load-1m"),
}

#: What stands beside a row: its way on this machine with nothing done on it (floor.c), in the same minute.
FLOORS = {"set": "a process in C that only answers, over such a socket and on the same CPU"}


class Figures:
    """The figures of all rounds by row, and what is to be noted of them."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.values = {row: [] for row in ROWS}
        #: the same way without a daemon in it, as far as the machine alone takes time for it
        self.floors = {row: [] for row in ROWS}
        #: share of its time that the host takes a CPU away in pauses of 0.1 ms or more, both CPUs of each round
        self.pauses = []
        self.notes = {row: [] for row in ROWS}

    def add(self, row, value, note=None, floor=None):
        """One round's figure."""
        self.values[row].append(value)
        if note:
            self.notes[row].append(note)
        if floor is not None:
            self.floors[row].append(floor)
        beside = f" (floor {floor:.3f})" if floor is not None else ""
        print(f"  {row}: {value:.3f} {ROWS[row][0]}{beside}{', ' + note if note else ''}", flush=True)

    def entries(self, rounds_note):
        """Result entries of the rows that were measured."""
        made = []
        for row, (unit, goal, words) in ROWS.items():
            if self.values[row]:
                about = [f"right after it the host took {min(self.pauses):.1%} to {max(self.pauses):.1%} of a CPU's time in "
                         "pauses of 0.1 ms or more"] if row == "handover-effect" else []
                notes = "; ".join([words, *dict.fromkeys(self.notes[row]), *about, *rounds_note])
                floors = [("floor", self.floors[row], FLOORS[row])] if self.floors[row] else []
                made.append(results.entry("control", row, unit, self.values[row], floors, note=notes, goal=goal))
        return made


def timed(action):
    """Seconds, and what the action returned."""
    started = time.monotonic()
    outcome = action()
    return time.monotonic() - started, outcome


def load_and_synchronise(domain, figures, records):
    """Rows load-1m, memory, sync-1m."""
    with domain.client() as client:
        seconds, outcome = timed(lambda: client.load_packed(records))
        if outcome.applied != records.count:
            raise results.Wrong(f"{outcome.applied} of {records.count} bindings were new")
        figures.add("load-1m", seconds)
        figures.add("memory", domain.resident())
        if "sync-1m" not in figures.wanted:
            return
        generation = client.refresh().generation
        try:
            seconds, outcome = timed(lambda: synchronise(client, records))
        except fp.Refused as refusal:
            if refusal.status != fp.UNSUPPORTED:
                raise
            print("  sync-1m: not served by this daemon", flush=True)
            return
        if (outcome.removed, client.refresh().generation) != (0, generation):
            raise results.Wrong("a synchronisation with nothing changed wrote to the table")
        figures.add("sync-1m", seconds)


def synchronise(client, records):
    """Says everything again."""
    with client.sync("bindings") as sync:
        if sync.load_packed(records).unchanged != records.count:
            raise results.Wrong("a record said again was not unchanged")
    return sync.outcome


def update_singly(domain, figures, records, other):
    """Rows set, set-during-load."""
    path, count = domain.daemon.socket_path, records.count
    figures.add("set", domain.tool("update", path, count, "set", 3000)["p99"],
                floor=domain.tool("floor", "echo", 3000)["p99"])
    if "set-during-load" not in figures.wanted:
        return
    ends, loads = threading.Event(), []

    def load():
        with domain.client() as client:
            while not ends.is_set():
                loads.append(client.load_packed(other if len(loads) % 2 == 0 else records).applied)

    loader = threading.Thread(target=load)
    loader.start()
    time.sleep(0.2)
    try:
        during = domain.tool("update", path, count, "set", 1500)
    finally:
        ends.set()
        loader.join()
    figures.add("set-during-load", during["p99"], f"{len(loads)} loads beside it")


def under_load(domain, figures, bindings):
    """Rows handover-effect, updates."""
    domain.watch()
    half = domain.capacity(bindings) / 2
    words = f"{SIZE}-octet frames, half load {half / 1e3:.0f} kpps"
    if "handover-effect" in figures.wanted:
        load = domain.offer(bindings, half, 16)
        time.sleep(0.5)
        effect = json.loads(domain.ask_watcher("800"))
        domain.offered(load, half)
        if effect["late"]:
            raise results.Wrong(f"{effect['late']} handovers: a packet took the old tunnel after the acknowledgement")
        pauses = json.loads(run([os.path.join(bench.BUILT, "floor"), "pauses", "2"]).stdout)
        figures.pauses += [cpu["share"] for cpu in pauses]
        print(f"  handover-effect: median {effect['median']:.0f} µs; then pauses of both CPUs {pauses}", flush=True)
        figures.add("handover-effect", effect["p99"], "none on the old tunnel after the acknowledgement")
    if figures.wanted & {"updates", "updates-loss"}:
        before = lost(domain, bindings, half, lambda: time.sleep(2))[1]
        streamed, missing = lost(
            domain, bindings, half,
            lambda: domain.tool("update", domain.daemon.socket_path, bindings, "stream", 4))
        # In the first turn some bindings have the gateway already that they get: those do not count.
        figures.add("updates", streamed["applied"] / streamed["seconds"] / 1e3, words)
        figures.add("updates-loss", 100 * missing, f"{before:.4%} without updates")


def lost(domain, bindings, rate, action):
    """What the action returned, and the share of packets that were offered beside it and did not arrive."""
    first = domain.arrived()
    load = domain.offer(bindings, rate, 64)
    time.sleep(0.5)
    outcome = action()
    offered = domain.offered(load, rate)
    time.sleep(0.3)
    return outcome, max(0, offered - (domain.arrived() - first)) / offered


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    figures, loudest, reasons = Figures(set(options.only or ROWS)), 0.0, []
    print(f"control: {options.bindings} bindings", flush=True)
    records, other = packed(options.bindings, 0), packed(options.bindings, 1)
    with Bed() as files:
        path = files.path("bindings.ndjson")
        if "load-1m-ndjson" in figures.wanted:
            write_ndjson(path, options.bindings)
        for number in range(options.rounds):
            loudest = max(loudest, busy())
            for part in (lambda: load_ndjson(figures, path), lambda: one_daemon(figures, records, other)):
                try:
                    part()
                except (RuntimeError, CommandFailed, OSError, ValueError) as error:
                    print(f"  round {number + 1} ended early: {error}", flush=True)
                    reasons.append(f"round {number + 1}: {error}")
    entries = figures.entries([f"others used up to {loudest:.0%} of the machine"] if loudest > 0.1 else [])
    if reasons:
        raise results.Incomplete(entries, reasons)
    return entries


def load_ndjson(figures, path):
    """Row load-1m-ndjson, on a fresh daemon."""
    if "load-1m-ndjson" in figures.wanted:
        with Domain() as domain:
            figures.add("load-1m-ndjson", timed(lambda: domain.daemon.control.load(path))[0])


def one_daemon(figures, records, other):
    """All other rows, on another."""
    if figures.wanted == {"load-1m-ndjson"}:
        return
    with Domain() as domain:
        load_and_synchronise(domain, figures, records)
        if figures.wanted & {"set", "set-during-load"}:
            update_singly(domain, figures, records, other)
        if figures.wanted & {"handover-effect", "updates", "updates-loss"}:
            under_load(domain, figures, records.count)


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bindings", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=ROWS, help="only these rows, and those that come with them")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    print(json.dumps(measure(parse(sys.argv[1:])), indent=2, ensure_ascii=False))
