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
import traceback

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
    """Exit status 0 when every row of every chosen suite could be measured."""
    known = suites()
    if len(arguments) > 1 or (arguments and arguments[0] not in known):
        print(f"usage: Benchmarks/run.py [SUITE]; suites here: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = [name for name in arguments or known if not measure(name)]
    print(results.table())
    return 1 if failed else 0


def measure(name):
    """Runs a suite and records what it has measured. Returns whether that is all of it; the next one runs in any case."""
    try:
        entries, reason = load(name).measure(), None
    except results.Incomplete as incomplete:
        entries, reason = incomplete.entries, incomplete
    except Exception as error:  # Whatever it is, it must not cost the other suites' figures.
        traceback.print_exc()
        entries, reason = [], error
    # A suite that was asked for some of its rows only (Benchmarks/port/run.py) keeps the others.
    results.write(name, entries, rest=bool(reason or os.environ.get("ROWS")), reason=reason and str(reason))
    if reason:
        print(f"{name}: not all could be measured: {reason}", file=sys.stderr, flush=True)
    return not reason


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
