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
import stages  # noqa: E402
from contestants import BENCHMARKS, Contestants, Load, run  # noqa: E402

ROOT = os.path.dirname(BENCHMARKS)
BUILT = os.path.join(BENCHMARKS, ".build", "engine")
# What the median must reach: Mpps, and the same by hand.
GOALS = {
    "lma-downlink-1m": "≥ 15, ≥ 0.95 × c",
    "lma-downlink-10m": "≥ 10",
    "lma-uplink-1m": "≥ 12",
    "lma-hairpin-1m": "≥ 10",
    "mag-downlink-1m": "≥ 15",
    "mag-uplink-1m": "≥ 12",
}
SIZES = ("1k", "1m", "10m")
# How often the cycles of a packet are taken.
CYCLE_ROUNDS = 3
WAYS = {
    "lma-downlink": "78-octet frames encapsulated",
    "lma-uplink": "118-octet frames decapsulated, inner source checked, routed",
    "lma-hairpin": "118-octet frames from tunnel to tunnel, inner source checked",
    "lma-ipv4": "60-octet frames to IPv4 home addresses encapsulated",
    "mag-downlink": "118-octet frames decapsulated to their access links",
    "mag-uplink": "78-octet frames encapsulated, source, port, link-layer address and VLAN checked",
}
MEASUREMENTS = [f"{way}-{size}" for way in WAYS for size in SIZES]


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


def cycles(contestants, names):
    """Every contestant's cycles of a packet, by name and contestant."""
    return {
        name: {
            contestant: [float(contestants.ask(contestant, f"cycles-{name}")) for _ in range(CYCLE_ROUNDS)]
            for contestant in contestants.processes
        }
        for name in names
    }


def entry(name, unit, figures, note, goal=None):
    """The result of one measurement."""
    return results.entry("engine", name, unit, figures["fastpath"], [("c", figures["c"], None)], note, goal)


def by_stage(name, figures):
    """The result of a measurement of cycles, with what the stages have of them."""
    median = statistics.median(figures["fastpath"])
    shares = {stage: round(share * median, 1) for stage, share in stages.shares(name).items()}
    words = ", ".join(f"{stage} {share:.0f}" for stage, share in shares.items())
    return {**entry(f"{name}-cycles", "cycles", figures, f"a packet's, by stage: {words}"), "stages": shares}


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    names = [name for name in MEASUREMENTS if not options.only or name in options.only]
    print(f"engine: {options.rounds} rounds; filling the tables", flush=True)
    with Contestants(commands(names)) as contestants:
        check_digests(contestants, names)
        figures, loudest = rounds(contestants, names, options.rounds)
        others = f"; others used up to {loudest:.0%} of a CPU meanwhile" if loudest > 0.1 else ""
        made = [
            entry(name, "Mpps", figures[name], WAYS[name.rpartition("-")[0]] + others, GOALS.get(name))
            for name in names
        ]
        try:
            for name, figure in cycles(contestants, [name for name in names if name.endswith("-1m")]).items():
                made.append(by_stage(name, figure))
                print(f"  {made[-1]['name']}: {made[-1]['value']:.0f}, {made[-1]['note']}", flush=True)
        except Exception as error:  # perf or its reader: the rates are not worth less for it.
            raise results.Incomplete(made, [f"cycles by stage: {error!r}"]) from error
    return made


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], choices=MEASUREMENTS, metavar="NAME")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2, ensure_ascii=False))
