#!/usr/bin/python3
"""Counts the instructions that a worker's turn takes for a packet and compares them with Tests/instructions.json.

Usage: scripts/instructions.py [--update]      after `swift build -c release`; needs valgrind and objcopy

callgrind runs `enginebench replay` for each way of a packet: fixed packets, 1000 bindings, a fixed hash seed, and only
what happens within the turn counts. The count is the same in every run and on every machine with the same toolchain,
unless FASTPATH_CPU has built the program for other processors than Package.swift names, so
3 % is a change of the code, never noise. More fails, since somebody made the path dearer; less fails, too, since the
gate would let that much be lost again: --update writes the new figures, and the commit says why they changed.
"""

import argparse
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORD = os.path.join(ROOT, "Tests", "instructions.json")
PROGRAM = os.path.join(ROOT, ".build", "release", "enginebench")
FOLDER = os.path.join(ROOT, ".build", "instructions")
WAYS = ("lma-downlink", "lma-uplink", "lma-hairpin", "lma-ipv4", "mag-downlink", "mag-uplink")
TURNS = 100
BATCH = 64
TOLERANCE = 0.03


def toolchain():
    """The compiler, which decides what the same code becomes."""
    said = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"Swift version (\S+)", said).group(1)


def stripped():
    """The program without debug information, which valgrind 3.19 cannot read; symbols stay."""
    os.makedirs(FOLDER, exist_ok=True)
    copy = os.path.join(FOLDER, "enginebench")
    subprocess.run(["objcopy", "--strip-debug", PROGRAM, copy], check=True)
    return copy


def count(program, way):
    """Instructions for a packet of one way, all turns' divided by all packets."""
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.path.join(FOLDER, way)}"]
    # Counting is on while the turn runs (BatchPlane.turn, mangled).
    command += ["--toggle-collect=*BatchPlane*4turn*", program, "replay", f"{way}-1k", str(TURNS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found or int(found.group(1)) == 0:
        raise RuntimeError(f"{way}: callgrind has counted nothing:\n{done.stderr}")
    return int(found.group(1)) / (TURNS * BATCH)


def measured():
    """Instructions for a packet, by way."""
    program = stripped()
    return {way: round(count(program, way), 1) for way in WAYS}


def verdicts():
    """For each way whether it holds, and what there is to say."""
    with open(RECORD, encoding="utf-8") as file:
        record = json.load(file)
    note = "" if record["swift"] == toolchain() else f" (the record is of Swift {record['swift']})"
    for way, figure in measured().items():
        wanted = record["instructions"][way]
        change = figure / wanted - 1
        words = f"{figure} instructions a packet, the record says {wanted}: {change:+.1%}{note}"
        if abs(change) > TOLERANCE:
            words += "; if that is meant: scripts/instructions.py --update, and the commit says why"
        yield way, abs(change) <= TOLERANCE, words


def main():
    """Prints a line for each way; exit status 1 when one is off."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the figures instead of comparing them")
    if parser.parse_args().update:
        with open(RECORD, "w", encoding="utf-8") as file:
            json.dump({"swift": toolchain(), "instructions": measured()}, file, indent=2)
            file.write("\n")
        return 0
    held = True
    for way, holds, words in verdicts():
        print(f"{'ok ' if holds else 'OFF'} {way}: {words}")
        held = held and holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
