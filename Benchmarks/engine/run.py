#!/usr/bin/python3
"""Suite `engine`: the worker's turn over ports in memory, a core's packets a second, beside the same work in C.

Usage: Benchmarks/engine/run.py [--rounds N] [--only NAME …]
(Benchmarks/run.py engine runs it with the defaults and records the result.)

Both contestants are processes on the same CPU with their tables filled and every answer of a million packets checked;
each waits for the name of a measurement and answers with a figure. In every round both are asked in turn, so each ratio
comes from figures taken within seconds of each other.
"""

import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import results  # noqa: E402
from contestants import BENCHMARKS, Contestants, Load, run  # noqa: E402

ROOT = os.path.dirname(BENCHMARKS)
BUILT = os.path.join(BENCHMARKS, ".build", "engine")
# Name, and what its median must reach in Mpps.
MEASUREMENTS = {
    "lma-downlink-1k": None,
    "lma-downlink-1m": 15,
    "lma-downlink-10m": 10,
    "lma-uplink-1m": 12,
    "lma-hairpin-1m": 10,
    "lma-ipv4-1m": None,
    "mag-downlink-1m": 15,
    "mag-uplink-1m": 12,
}
NOTES = {
    "lma-downlink": "78-octet frames encapsulated",
    "lma-uplink": "118-octet frames decapsulated, inner source checked, routed",
    "lma-hairpin": "118-octet frames from tunnel to tunnel, inner source checked",
    "lma-ipv4": "60-octet frames to IPv4 home addresses encapsulated",
    "mag-downlink": "118-octet frames decapsulated to their access links",
    "mag-uplink": "78-octet frames encapsulated, source, port, link-layer address and VLAN checked",
}


def build():
    """Builds both contestants."""
    os.makedirs(BUILT, exist_ok=True)
    run(["swift", "build", "-c", "release", "--package-path", ROOT, "--product", "enginebench"])
    frames = os.path.join(HERE, "frames")
    optimised = ["gcc", "-O3", "-march=native", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(frames, "include")]
    sources = [os.path.join(HERE, "c.c"), os.path.join(frames, "frames.c")]
    run([*optimised, "-o", os.path.join(BUILT, "c"), *sources])


def commands(names):
    """Each contestant's command line, by name."""
    return {
        "fastpath": [os.path.join(ROOT, ".build", "release", "enginebench"), *names],
        "c": [os.path.join(BUILT, "c"), *names],
    }


def check_digests(contestants, names):
    """Fails unless both have sent the same octets."""
    for name in names:
        answers = {contestant: contestants.ask(contestant, f"digest-{name}") for contestant in contestants.processes}
        if len(set(answers.values())) > 1:
            raise RuntimeError(f"{name}: the frames sent differ, so this is not the same work: {answers}")


def rounds(contestants, names, count):
    """Every contestant's figures, by name and contestant; and the most that others used of a CPU in a round."""
    figures = {name: {contestant: [] for contestant in contestants.processes} for name in names}
    load, loudest = Load(contestants.processes.values()), 0.0
    for number in range(count):
        for name in names:
            for contestant, taken in figures[name].items():
                taken.append(float(contestants.ask(contestant, name)))
            line = ", ".join(f"{contestant} {taken[-1]:.2f}" for contestant, taken in figures[name].items())
            print(f"  round {number + 1}: {name}: {line} Mpps", flush=True)
        others = load.others()
        loudest = max(loudest, others)
        print(f"  round {number + 1}: others used {others:.0%} of a CPU", flush=True)
    return figures, loudest


def entry(name, figures, loudest):
    """The result of one measurement; the ratio is taken within rounds."""
    ours, theirs = figures["fastpath"], figures["c"]
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    notes = [NOTES[name.rpartition("-")[0]], f"{ratio:.2f} × c (median of the rounds' ratios)"]
    if loudest > 0.1:
        notes.append(f"others used up to {loudest:.0%} of a CPU meanwhile")
    goal = f"≥ {MEASUREMENTS[name]}" if MEASUREMENTS[name] else None
    return results.entry("engine", name, "Mpps", ours, [("c", theirs, None)], "; ".join(notes), goal)


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    names = [name for name in MEASUREMENTS if not options.only or name in options.only]
    print(f"engine: {options.rounds} rounds; filling the tables", flush=True)
    with Contestants(commands(names)) as contestants:
        check_digests(contestants, names)
        figures, loudest = rounds(contestants, names, options.rounds)
    return [entry(name, figures[name], loudest) for name in names]


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=[], choices=list(MEASUREMENTS), metavar="NAME")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2, ensure_ascii=False))
