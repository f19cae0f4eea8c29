#!/usr/bin/python3
"""Suite `port`: packets through real interfaces. The LMA with a million bindings against a forwarder of MAC addresses.

Usage: Benchmarks/port/run.py [--rounds N] [--seconds S] [--size OCTETS] [--bindings N] [--peer-only]
(Benchmarks/run.py port runs it with the defaults and records the result.)

CN ─ core ─ device under test ─ transport1 ─ MAG1, two veth pairs. The generator sends live frames into the CN's end, an
XDP program behind the far end counts and drops. Generator and receive path share CPU 0, the device's thread has CPU 1.
Rounds go A B A B, each on a domain of its own, so that drift of the machine meets both.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import results  # noqa: E402
from bench import Bed, Bench, build, busy  # noqa: E402

MAGS = 64


def prefix(binding):
    """The prefix of binding i: the generator's program computes the same (generate.bpf.c)."""
    number = (binding * 0x9E3779B1) & 0xFFFFFF
    return f"2001:db8:{0x100 | number >> 16:x}:{number & 0xFFFF:x}::/64"


def one_round(device, options, records_path):
    """One device, measured once on a bed of its own."""
    with Bench() as bench:
        if device == "lma":
            load_seconds = bench.anchor(records_path)
        else:
            bench.forward()
            load_seconds = None
        others = busy()
        mpps, tunnelled, offered = bench.rate(destinations=options.bindings, seconds=options.seconds, size=options.size)
    expected = 1.0 if device == "lma" else 0.0
    if tunnelled != expected:
        raise RuntimeError(f"{device}: {tunnelled:.4f} of what arrived was IPv6 in IPv6, expected {expected}")
    loaded = f", bindings loaded in {load_seconds:.2f} s" if load_seconds is not None else ""
    loud = f", machine {others:.0%} busy before" if others > 0.1 else ""
    print(f"  {device}: {mpps:.3f} Mpps of {offered:.2f} offered{loaded}{loud}", flush=True)
    return mpps, others


def measure(options=None):
    """The suite's result entries."""
    options = options or parse([])
    build()
    with Bed() as bed:
        path = bed.path("bindings.ndjson")
        with open(path, "w", encoding="ascii") as file:
            for binding in range(options.bindings):
                file.write(
                    f'{{"table":"pmip","prefix":"{prefix(binding)}",'
                    f'"tunnel":{{"local":"2001:db8:1::1","remote":"2001:db8:a::{1 + binding % MAGS:x}"}}}}\n'
                )
        print(
            f"port: {options.size}-octet frames, {options.bindings} bindings and destinations, {MAGS} tunnels",
            flush=True,
        )
        figures, loudest = {"l2fwd": [], "lma": []}, 0.0
        for _ in range(options.rounds):
            for device in ("l2fwd",) if options.peer_only else ("l2fwd", "lma"):
                mpps, others = one_round(device, options, path)
                figures[device].append(mpps)
                loudest = max(loudest, others)
    note = f"{options.size}-octet frames, {options.bindings} destinations, {MAGS} tunnels, veth, copy mode"
    if loudest > 0.1:
        note += f"; others used up to {loudest:.0%} of the machine meanwhile"
    if options.peer_only:
        return [results.entry("port", "l2fwd-alone", "Mpps", figures["l2fwd"], note=note)]
    name = (
        f"lma-downlink-{options.bindings // 1000000}m"
        if options.bindings >= 1000000
        else f"lma-downlink-{options.bindings}"
    )
    return [
        results.entry(
            "port",
            name,
            "Mpps",
            figures["lma"],
            [("l2fwd", figures["l2fwd"], "C, layer 2 only, same rings and batches")],
            note,
        )
    ]


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--size", type=int, default=78)
    parser.add_argument("--bindings", type=int, default=1000000)
    parser.add_argument("--peer-only", action="store_true", help="only the C forwarder: does the bed work?")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for result in measure(parse(sys.argv[1:])):
        print(json.dumps(result, indent=2))
        value, peers = result["value"], result["peers"]
        for peer in peers:
            print(
                f"{result['name']}: {value} Mpps, {peer['name']} {peer['value']} Mpps,"
                f" ratio {value / peer['value']:.2f}"
            )
