#!/usr/bin/python3
"""Suite `table`: lookups, updates and loading of the product's table beside its peers.

Usage: Benchmarks/table/run.py [--rounds N] [--only NAME …] [--without PEER …]
(Benchmarks/run.py table runs it with the defaults and records the result.)

Every contestant is a process of its own on the same CPU with its tables filled and all answers checked; it waits for the
name of a measurement and answers with a figure. In every round all are asked in turn, so each ratio comes from figures
taken within seconds of each other; the medians of the rounds' figures and of the rounds' ratios are what counts.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import results  # noqa: E402
from contestants import Contestants, Load  # noqa: E402
from programs import build, commands  # noqa: E402

# Name, unit, and the peers that have the same measurement.
MEASUREMENTS = [
    ("lookup-1m", "M/s", ["c", "rte_fib6", "rte_hash"]),
    ("lookup-1m-churned", "M/s", []),
    ("lookup-10m", "M/s", ["c"]),
    ("lookup-miss", "M/s", ["c", "rte_fib6", "rte_hash"]),
    ("lookup-mixed", "M/s", ["c"]),
    ("lpm-full-table", "M/s", ["rte_fib6"]),
    ("update", "M/s", ["rte_fib6", "rte_hash"]),
    ("update-single", "M/s", []),
    ("update-reader-share", "ratio", []),
    ("load-1m", "s", []),
]
# Answered once: they do not depend on the machine's speed.
CONSTANTS = [("bytes-per-binding", "octets", [])]
# Contestants that must give the same answers to the same queries.
DIGESTS = {
    "digest-1m": ["fastpath", "c", "rte_hash", "rte_fib6"],
    "digest-10m": ["fastpath", "c"],
    "digest-mixed": ["fastpath", "c"],
    "digest-full-table": ["fastpath", "rte_fib6"],
}
NOTES = {
    "lookup-1m": "random /64s, record fetched, snapshot and quiescent report for each batch of 64",
    "lookup-1m-churned": "as lookup-1m, after three times as many bindings have gone and come as there are",
    "lookup-10m": "as lookup-1m",
    "lookup-miss": "random /64s that are not among the million",
    "lookup-mixed": "80 % /64, 15 % /128, 5 % eight other lengths",
    "lpm-full-table": "230,000 drawn prefixes, random hosts in random prefixes",
    "update": "upserts at 1 M, 256 for each apply, reclaim after each, a reader at full speed on the other CPU",
    "update-single": "as update, one for each apply",
    "update-reader-share": "reader's rate beside that writer, of its rate alone",
    "load-1m": "empty table that grows, 4096 for each apply",
}
# What the medians must reach.
GOALS = {
    "lookup-1m": "≥ 40, ≥ 0.95 × c, ≥ 4 × rte_fib6",
    "lookup-10m": "≥ 25",
    "lookup-miss": "≥ 0.8 × lookup-1m",
    "lookup-mixed": "≥ 0.5 × lookup-1m",
    "lpm-full-table": "≥ rte_fib6",
    "update": "≥ 1",
    "update-reader-share": "≥ 0.9",
    "load-1m": "≤ 0.6",
    "bytes-per-binding": "≤ 110",
}
PEER_NOTES = {
    ("update", "rte_fib6"): "next hops replaced, no reader",
    ("update", "rte_hash"): "replacements, one at a time, no reader",
}


def check_digests(contestants, size):
    """Fails unless all contestants found the same."""
    for digest, names in DIGESTS.items():
        asked = [name for name in names if name in contestants.processes]
        # Fewer prefixes than a million are another workload.
        asked = [name for name in asked if (digest, name) != ("digest-1m", "rte_fib6") or size == 1000000]
        answers = {name: contestants.ask(name, digest) for name in asked}
        if len(set(answers.values())) > 1:
            raise RuntimeError(f"{digest} differs, so this is not the same work: {answers}")


def peer_note(contestants, measurement, peer, size):
    """What a reader must know of a peer's figure."""
    words = [PEER_NOTES[measurement, peer]] if (measurement, peer) in PEER_NOTES else []
    if peer == "rte_fib6":
        if measurement != "lpm-full-table":
            words.append(f"{size} prefixes" + (" (as many as fit)" if size < 1000000 else ""))
        if measurement == "update":
            words.append(f"inserted at {float(contestants.ask(peer, 'insert-rate')):.2f} M/s while it was filled")
        else:
            words.append("AVX-512" if float(contestants.ask(peer, "is-vector")) else "scalar lookup: no AVX-512 here")
    if peer.startswith("rte_") and float(contestants.ask(peer, "huge-page-share")) < 0.8:
        words.append("the kernel gave its memory too few huge pages")
    return ", ".join(words)


def rounds(contestants, chosen, count):
    """Every contestant's figures, by measurement and contestant; and the most that others used of a CPU in a round."""
    figures = {name: {} for name, _, _ in chosen}
    load, loudest = Load(contestants.processes.values()), 0.0
    for number in range(count):
        for name, unit, peers in chosen:
            for contestant in ("fastpath", *peers):
                if contestant in contestants.processes:
                    figure = float(contestants.ask(contestant, name))
                    figures[name].setdefault(contestant, []).append(figure)
            line = ", ".join(f"{contestant} {taken[-1]:.2f}" for contestant, taken in figures[name].items())
            print(f"  round {number + 1}: {name}: {line} {unit}", flush=True)
        others = load.others()
        loudest = max(loudest, others)
        print(f"  round {number + 1}: others used {others:.0%} of a CPU", flush=True)
    return figures, loudest


def entry(contestants, measurement, unit, figures, size, loudest):
    """The result of one measurement."""
    ours = figures.pop("fastpath")
    notes = [NOTES[measurement]] if measurement in NOTES else []
    if loudest > 0.1:
        notes.append(f"others used up to {loudest:.0%} of a CPU meanwhile")
    peers = [(peer, theirs, peer_note(contestants, measurement, peer, size)) for peer, theirs in figures.items()]
    return results.entry("table", measurement, unit, ours, peers, "; ".join(notes), GOALS.get(measurement))


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    chosen = [entry for entry in MEASUREMENTS if not options.only or entry[0] in options.only]
    started = {name: command for name, command in commands().items() if name not in options.without}
    print(f"table: {options.rounds} rounds; filling the tables of {', '.join(started)}", flush=True)
    with Contestants(started) as contestants:
        size = int(float(contestants.ask("rte_fib6", "size"))) if "rte_fib6" in started else 0
        check_digests(contestants, size)
        figures, loudest = rounds(contestants, chosen, options.rounds)
        made = [entry(contestants, name, unit, figures[name], size, loudest) for name, unit, _ in chosen]
        if not options.only:
            for name, unit, _ in CONSTANTS:
                octets = float(contestants.ask("fastpath", name))
                resident = float(contestants.ask("fastpath", "resident-per-binding"))
                note = f"buckets and records; 32 more of traffic cells for each worker; resident memory grew by {resident:.0f}"
                made.append(results.entry("table", name, unit, [octets], note=note, goal=GOALS[name]))
    return made


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=[], choices=[name for name, _, _ in MEASUREMENTS], metavar="NAME")
    parser.add_argument("--without", nargs="+", default=[], choices=["c", "rte_fib6", "rte_hash"], metavar="PEER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2, ensure_ascii=False))
