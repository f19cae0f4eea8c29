#!/usr/bin/python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

Usage: scripts/run-tests.py [--only SUITE …] [--report FILE]     SUITE: swift, hot-path, instructions, fuzz, tsan, asan,
Tests/Conformance, Tests/Netns, clients/python, clients/c

Exit status 0 only if nothing failed, nothing was skipped and every suite ran at least as many tests as
Tests/expected.json says: a suite that silently vanishes, or a filter left behind, fails the run. Raise the numbers
there when tests are added.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree

import instructions
import sanitizers
from beside import Beside, SuitesBeside
from tally import Tally

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"  # Debian's, with Debian's Scapy
RESULTS = os.path.join(ROOT, ".build", "test-results")


def section(title):
    """A line that parts one suite's output from the next."""
    print(f"\n== {title} ==", flush=True)


def run(arguments, timeout):
    """Runs a suite's program with its output on ours, without standard input. Returns its exit status."""
    started = time.monotonic()
    try:
        status = subprocess.run(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"{arguments[0]}: still running after {timeout} s: ended", flush=True)
        return -1
    print(f"({time.monotonic() - started:.0f} s)", flush=True)
    return status


def take_in_cases(tally, report, suite_of):
    """Counts the cases of an xUnit report, if there is one, each for the suite that `suite_of` says."""
    if not os.path.exists(report):
        return
    try:
        cases = list(xml.etree.ElementTree.parse(report).getroot().iter("testcase"))
    except xml.etree.ElementTree.ParseError as error:
        tally.add(os.path.basename(report), "failed", "the report was cut off, as its process must have been", str(error))
        return
    for case in cases:
        failure, skipped = case.find("failure"), case.find("skipped")
        outcome = "failed" if failure is not None else "skipped" if skipped is not None else "passed"
        words = failure.get("message", "") if failure is not None else ""
        tally.add(suite_of(case), outcome, f"{case.get('classname')}.{case.get('name')}", words)


#: Testable imports would change the flags of every module: the tests must run on the very objects that ship.
SWIFT_TESTS = ["-c", "release", "--disable-testable-imports", "--disable-xctest"]


def swift_suite(tally, expected, build):
    """All Swift test targets in one process, counted from the xUnit report, once they are built."""
    section("swift test")
    print(build.finish()[1], end="", flush=True)
    report = os.path.join(RESULTS, "swift.xml")
    status = run(["swift", "test", *SWIFT_TESTS, "--xunit-output", report], 600)
    take_in_cases(tally, report, lambda case: case.get("classname", "").split(".")[0])
    if status != 0 and not any(tally.suites.get(target, {}).get("failed") for target in expected):
        tally.add("swift", "failed", "swift test", f"exit status {status}")
    for target, minimum in expected.items():
        tally.expect(target, minimum)


def python_suite(tally, directory, minimum):
    """One directory of unittest files in a process of its own, counted from its JSON report."""
    section(directory)
    report = os.path.join(RESULTS, directory.replace("/", "-") + ".json")
    if os.path.exists(report):
        os.unlink(report)
    status = run([PYTHON, "scripts/python-suite.py", directory, report], 900)
    if os.path.exists(report):
        with open(report, encoding="utf-8") as file:
            for name, outcome, words in json.load(file):
                tally.add(directory, outcome, name, words)
    else:
        tally.add(directory, "failed", "no report", f"exit status {status}")
    tally.expect(directory, minimum)


def sanitized_suites(tally, suites, minimum):
    """The table's tests under each sanitizer."""

    def take_in(suite, report, problem):
        take_in_cases(tally, report, lambda case: suite)
        if problem:
            tally.add(suite, "failed", "FlowTableTests", problem)
        tally.expect(suite, minimum)

    sanitizers.run(ROOT, suites, section, take_in)


def hot_path(tally, wanted):
    """The symbol check on the objects just built."""
    section("hot path")
    arguments = [PYTHON, "scripts/check-hot-path.py"]
    for word in wanted["roots"]:
        arguments += ["--root", word]
    for entry in wanted["allow"]:
        arguments += ["--allow", entry]
    status = run(arguments, 120)
    tally.add("hot-path", "passed" if status == 0 else "failed", "no allocation, retain or release per packet")


def instruction_counts(tally):
    """Instructions for a packet of each way against the record."""
    section("instructions")
    try:
        for way, holds, words in instructions.verdicts():
            print(f"{way}: {words}", flush=True)
            tally.add("instructions", "passed" if holds else "failed", way, words)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        tally.add("instructions", "failed", "callgrind", str(error))
    tally.expect("instructions", len(instructions.WAYS))


def fuzz_smoke(tally, names, build):
    """Each decoder under libFuzzer for a few seconds from the kept corpus, once the fuzzers are built."""
    section("fuzz")
    print(build.finish()[1], end="", flush=True)
    for name in names:
        status = run([PYTHON, "scripts/fuzz.py", "--seed", "1", name], 400)
        tally.add("fuzz", "passed" if status == 0 else "failed", name, "" if status == 0 else "a finding: see above")


def arguments(expected):
    """Of the command line, with `only` as the suites to run."""
    suites = ["swift", "hot-path", "instructions", "fuzz", *sanitizers.SANITIZERS, *expected["python"]]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="SUITE", help="only these suites", default=suites)
    parser.add_argument("--report", metavar="FILE", help="write the outcomes as JSON instead of summing up")
    options = parser.parse_args()
    if unknown := set(options.only) - set(suites):
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are: {', '.join(suites)}")
    return options


def product_suites(tally, chosen, expected):
    """Builds what ships and runs the suites that are about it."""
    section("swift build -c release")
    if run(["swift", "build", "-c", "release"], 1800) != 0:
        tally.add("swift", "failed", "swift build -c release")
        return
    # One processor is enough for those that only wait for clocks and packets: the other builds what comes after them.
    builds = {
        # A filter that nothing fits: `swift build` cannot leave testable imports out.
        "swift": ["swift", "test", *SWIFT_TESTS, "--filter", "^none$"],
        "fuzz": [PYTHON, os.path.join(ROOT, "scripts", "fuzz.py"), "--build", *expected["fuzz"]],
    }
    beside = {suite: Beside(command) for suite, command in builds.items() if suite in chosen}
    try:
        for directory, minimum in expected["python"].items():
            if directory in chosen:
                python_suite(tally, directory, minimum)
        if "swift" in chosen:
            swift_suite(tally, expected["swift"], beside["swift"])
        if "hot-path" in chosen:
            hot_path(tally, expected["hotPath"])
        if "instructions" in chosen:
            instruction_counts(tally)
        if "fuzz" in chosen:
            fuzz_smoke(tally, expected["fuzz"], beside["fuzz"])
    finally:
        for build in beside.values():
            build.end()


def run_suites(tally, chosen, expected):
    """The sanitized suites beside the others, where there are others."""
    sanitized = [suite for suite in sanitizers.SANITIZERS if suite in chosen]
    others = [suite for suite in chosen if suite not in sanitized]
    if not others:
        sanitized_suites(tally, sanitized, expected["swift"]["FlowTableTests"])
        return
    beside = SuitesBeside(sanitized, os.path.join(RESULTS, "beside.json")) if sanitized else None
    try:
        product_suites(tally, others, expected)
        if beside:
            beside.take_in(tally)
    finally:
        if beside:
            beside.end()


def sum_up(tally):
    """Prints the counts and the problems. Returns the exit status."""
    section("summary")
    for suite, counts in sorted(tally.suites.items()):
        print(f"{suite}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if tally.problems:
        print("\n" + "\n".join(tally.problems))
    passed, failed, skipped = (tally.total(outcome) for outcome in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and skipped == 0 and passed > 0 else 1


def main():
    """Builds, runs the suites, sums up."""
    with open(os.path.join(ROOT, "Tests", "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    options = arguments(expected)
    os.makedirs(RESULTS, exist_ok=True)
    tally = Tally()
    run_suites(tally, options.only, expected)
    if options.report:
        tally.write(options.report)
        return 0
    return sum_up(tally)


if __name__ == "__main__":
    sys.exit(main())
