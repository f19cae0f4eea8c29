#!/usr/bin/python3
"""Cycles a packet by stage of the turn: samples of the very program that the suite measures, attributed by its symbols.

Usage: Benchmarks/engine/stages.py [NAME …]     after Benchmarks/engine/run.py or a build; needs perf and llvm-symbolizer

perf interrupts the program on its CPU clock, 4000 times a second, and llvm-symbolizer says which function each address
is of and into which it was inlined; the innermost one that belongs to a stage has the sample. The shares of the samples
within the turn, times the cycles a packet that the program itself measures, are the figures; the suite records them. An
out-of-order processor works on several packets at once: a sample falls on what it was waiting for.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from contestants import BENCHMARKS, CPU  # noqa: E402

ROOT = os.path.dirname(BENCHMARKS)
PROGRAM = os.environ.get("FASTPATH_ENGINEBENCH", os.path.join(ROOT, ".build", "release", "enginebench"))
REPETITIONS = 12
# Words of a mangled function name, innermost frame first; the first stage that has one takes the sample.
STAGES = {
    "receive": ("7receive", "prefetchHeaders", "batchOctets", "7reclaim", "FramePool"),
    "lookup": ("9FlowTable11BatchLookup", "lookupBindings", "lookupRoutes", "RouteLookup", "resolveBindings",
               "resolveRoutes", "selectPassed"),
    "parse and classify": ("5ParseO", "8classify", "AddressRules"),
    "authorize": ("9authorize", "15authorize", "16authorize", "17authorize", "6arrive", "prefetchTraffic",
                  "tunnelID", "TunnelKey", "TunnelSearch"),
    "rewrite": ("6EgressO", "TunnelHeader", "FlowLabel", "TunnelEntrance", "LinkHeader", "ExplicitCongestion"),
    "transmit": ("8dispatch", "8transmit", "TrafficCounters", "5countyy", "submit", "6finish"),
}
ORDER = [*STAGES, "rest of the turn"]
TURN = ("WorkerV", "AnchorPipeline", "GatewayPipeline", "BatchPlane", "TurnEngine")


def record(name, folder):
    """Samples as a counter of (symbol, offset), and the cycles a packet that the program says."""
    data = os.path.join(folder, "perf.data")
    asked = f"cycles-{name}\n" * REPETITIONS
    command = ["taskset", "-c", str(CPU), "perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-o", data]
    done = subprocess.run([*command, PROGRAM, name], input=asked, capture_output=True, text=True, check=True)
    cycles = sorted(float(line) for line in done.stdout.split()[1:])
    script = subprocess.run(
        ["perf", "script", "-i", data, "-F", "ip,sym,symoff"], capture_output=True, text=True, check=True
    )
    samples = collections.Counter(re.findall(r"^\s*[0-9a-f]+ (\S+)\+0x([0-9a-f]+)$", script.stdout, re.M))
    return samples, cycles[len(cycles) // 2]


def symbol_addresses():
    """Where each function of the program begins."""
    listed = subprocess.run(["nm", PROGRAM], capture_output=True, text=True, check=True).stdout
    return {words[2]: int(words[0], 16) for words in (line.split() for line in listed.splitlines()) if len(words) == 3}


def frames_of(addresses):
    """For each address the functions it is in, innermost first."""
    asked = "\n".join(f"0x{address:x}" for address in addresses)
    command = ["llvm-symbolizer", f"--obj={PROGRAM}", "--inlines", "--no-demangle", "--functions=linkage"]
    said = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    blocks = said.strip("\n").split("\n\n")
    return {address: block.splitlines()[::2] for address, block in zip(addresses, blocks, strict=True)}


def stage_of(frames):
    """The stage of a chain of functions, or None outside the turn."""
    for frame in frames:
        for stage, words in STAGES.items():
            if any(word in frame for word in words):
                return stage
    return "rest of the turn" if any(word in frame for frame in frames for word in TURN) else None


def shares(name):
    """What each stage has of a packet's cycles, in the order of the turn."""
    return sampled(name)[0]


def sampled(name):
    """Shares by stage, and the cycles a packet of the whole turn."""
    with tempfile.TemporaryDirectory() as folder:
        samples, cycles = record(name, folder)
    begins = symbol_addresses()
    known = {place: begins[place[0]] + int(place[1], 16) for place in samples if place[0] in begins}
    frames = frames_of(sorted(set(known.values())))
    counts = collections.Counter()
    for place, address in known.items():
        counts[stage_of(frames[address])] += samples[place]
    del counts[None]
    whole = sum(counts.values())
    return {stage: counts[stage] / whole for stage in ORDER}, cycles


def main(names):
    """A table of all names."""
    print("| name | " + " | ".join(ORDER) + " | turn |")
    print("| --- |" + " --- |" * (len(ORDER) + 1))
    for name in names or ["lma-downlink-1m", "lma-uplink-1m", "lma-hairpin-1m", "mag-downlink-1m", "mag-uplink-1m"]:
        figures, cycles = sampled(name)
        row = " | ".join(f"{figures[stage] * cycles:.0f}" for stage in ORDER)
        print(f"| {name} | {row} | {cycles:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
