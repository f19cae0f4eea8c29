#!/usr/bin/python3
"""Measures the designs that the table could have had, beside the one it has, and prints a table of the medians.

Usage: Benchmarks/table/alternatives/run.py [--rounds N]

All are in C, look up batches of 64 with prefetch, and answer the queries of the suite `table`: a million random /64s, the
mixed lengths, the full table of routes. They wait for their turn as the suite's contestants do, and must agree on every
answer. Not part of `make bench`: a decision rests on it, no promise.
"""

import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.dirname(os.path.dirname(HERE))]

from contestants import Contestants, Load, run  # noqa: E402
from programs import BUILT, PREFIXES, draw_prefixes  # noqa: E402

DESIGNS = ["hash_per_length", "length_search", "poptrie", "cuckoo"]
RATES = ["lookup-1m", "lookup-mixed", "lpm-full-table", "insert-1m", "insert-full-table"]
SIZES = ["bytes-1m", "bytes-mixed", "bytes-full-table"]
DIGESTS = ["digest-1m", "digest-mixed", "digest-full-table"]


def build():
    """Compiles the designs and draws the full table."""
    draw_prefixes()
    for design in DESIGNS:
        sources = [os.path.join(HERE, f"{name}.c") for name in (design, "harness")]
        command = ["gcc", "-O3", "-march=native", "-Wall", "-Wextra", "-Werror", "-o", os.path.join(BUILT, design)]
        run([*command, *sources])


def main(arguments):
    """Exit status 0 when all designs agree on all answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    build()
    figures = {(design, name): [] for design in DESIGNS for name in RATES}
    with Contestants({design: [os.path.join(BUILT, design), PREFIXES] for design in DESIGNS}) as contestants:
        for name in DIGESTS:
            answers = {design: contestants.ask(design, name) for design in DESIGNS}
            if len(set(answers.values())) > 1:
                sys.exit(f"{name} differs, so this is not the same work: {answers}")
        load = Load(contestants.processes.values())
        for _ in range(options.rounds):
            for name in RATES:
                for design in DESIGNS:
                    figures[design, name].append(float(contestants.ask(design, name)))
        others = load.others()
        sizes = {(design, name): float(contestants.ask(design, name)) for design in DESIGNS for name in SIZES}
    print(
        f"Medians of {options.rounds} rounds; rates in M/s, sizes in octets for each prefix; others used {others:.0%} of a CPU.\n"
    )
    print(f"| design | {' | '.join(RATES)} | {' | '.join(SIZES)} |")
    print("| --- |" + " --- |" * (len(RATES) + len(SIZES)))
    for design in DESIGNS:
        rates = [f"{statistics.median(figures[design, name]):.2f}" for name in RATES]
        print(f"| {design} | {' | '.join(rates + [f'{sizes[design, name]:.0f}' for name in SIZES])} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
