#!/usr/bin/python3
"""Runs benchmark suites and writes Benchmarks/results/latest.json and latest.md.

Usage: Benchmarks/run.py [table|engine|port|control]     all suites that exist without an argument; needs root for
`port` and `control`

A suite that ran alone keeps the others' entries. Every suite measures its peers in turn with the product inside one
run, because rates of a virtual machine drift by tens of percent: compare ratios of one run, never figures of two.
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import results  # noqa: E402  (beside this file)


def suites():
    """The suites that exist: every folder here with a run.py."""
    return sorted(name for name in os.listdir(HERE) if os.path.exists(os.path.join(HERE, name, "run.py")))


def load(name):
    """The module of a suite; it has `measure()`, which returns result entries."""
    spec = importlib.util.spec_from_file_location(f"suite_{name}", os.path.join(HERE, name, "run.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(arguments):
    """Exit status 0 when every chosen suite could be measured."""
    known = suites()
    if len(arguments) > 1 or (arguments and arguments[0] not in known):
        print(f"usage: Benchmarks/run.py [SUITE]; suites here: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in arguments or known:
        entries = load(name).measure()
        # A suite that was asked for some of its rows only (Benchmarks/port/run.py) keeps the others.
        results.write(name, entries, rest=bool(os.environ.get("ROWS")))
    print(results.table())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
