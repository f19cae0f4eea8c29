#!/usr/bin/python3
"""Suite `port`: packets through real interfaces. The LMA with a million bindings beside its peers.

Usage: Benchmarks/port/run.py [--rows GROUP …] [--rounds N] [--seconds S] [--bindings N]
(Benchmarks/run.py port runs it with the defaults and records the result; ROWS="GROUP …" in the environment is --rows.)

CN ─ core ─ device under test ─ transport1 ─ MAG1, two veth pairs for each device. Generators send live frames into one
far end, an XDP program behind the other counts and drops. Generator and receive path share CPU 0, a device's own thread
has CPU 1. All devices stand ready, and are asked in turn, so that a ratio is of figures taken seconds apart.
"""

import argparse
import contextlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import check  # noqa: E402
import results  # noqa: E402
import rows  # noqa: E402
from bench import busy, nics  # noqa: E402
from devices import DEVICES, control  # noqa: E402
from figures import Figures  # noqa: E402
from testbed.command import CommandFailed  # noqa: E402


def opened(stack, name, bindings, loudest):
    """A device, its output checked once."""
    device = stack.enter_context(DEVICES[name](bindings))
    for direction in rows.DIRECTIONS:
        check.sample(device, direction)
    print(f"  {name}: ready, frames of both directions decoded", flush=True)
    loudest.append(busy())
    return device


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    control.build()
    figures, loudest, reasons = Figures(options), [0.0], []
    groups = sorted((rows.GROUPS[name] for name in options.rows), key=lambda group: group.first_table(options.bindings))
    names = [name for name in DEVICES if any(name in group.devices for group in groups)]
    print(f"port: {', '.join(options.rows)}; {options.bindings} bindings", flush=True)
    # There is one set of real interfaces: a device after the other then, and their ratios are of figures minutes apart.
    for together in [[name] for name in names] if nics() else [names]:
        with contextlib.ExitStack() as stack:
            first = min(group.first_table(options.bindings) for group in groups)
            devices = {name: opened(stack, name, first, loudest) for name in together}
            for group in groups:
                wanted = {name: device for name, device in devices.items() if name in group.devices}
                if wanted and (reason := unmeasured(group, wanted, figures, options)):
                    reasons.append(reason)
            loudest.append(busy())
    entries = figures.entries(max(loudest))
    if reasons:
        raise results.Incomplete(entries, reasons)
    return entries


def unmeasured(group, devices, figures, options):
    """Measures a group of rows. Returns why it ended early, if it did: the others' figures are not lost with it."""
    try:
        group.measure(devices, figures, options)
    except (RuntimeError, CommandFailed, OSError, ValueError) as error:
        print(f"  {group.__name__.lower()}: ended early: {error}", flush=True)
        return f"{group.__name__.lower()}: {error}"
    return None


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    chosen = os.environ.get("ROWS", "").split() or rows.DEFAULT
    parser.add_argument("--rows", nargs="+", choices=rows.GROUPS, default=chosen, help="only these groups of rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each rate")
    parser.add_argument("--bindings", type=int, default=1000000)
    options = parser.parse_args(arguments)
    for row in options.rows:
        if row not in rows.GROUPS:
            parser.error(f"no rows {row!r}; there are {', '.join(rows.GROUPS)}")
    return options


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2, ensure_ascii=False))
