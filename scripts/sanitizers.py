"""The table's tests under ThreadSanitizer and AddressSanitizer.

They run in a package of their own, which has the table, its tests and nothing else: everything in it is compiled again
for each sanitizer, and nothing of what ships is. Long tests do a share of their repetitions (FASTPATH_TEST_SHARE).

No report is suppressed.
"""

import os
import subprocess
import sys
import time

# The table's targets as in Package.swift, for any processor; folders are links into the repository.
MANIFEST = """// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .strictMemorySafety()]

let package = Package(
  name: "sanitized",
  targets: [
    .target(name: "CInstructions"),
    .target(name: "FlowTable", dependencies: ["CInstructions"], swiftSettings: strict),
    .testTarget(name: "FlowTableTests", dependencies: ["FlowTable"], swiftSettings: strict),
  ]
)
"""
FOLDERS = ("Sources/CInstructions", "Sources/FlowTable", "Tests/FlowTableTests")

# By suite: the compiler's options, the sanitizer's own, and what begins a report of it. It ends the process with the
# first one, and the test run fails.
SANITIZERS = {
    "tsan": {
        # It follows atomic loads only, so tags are compared one by one instead of in a vector.
        "build": ["--sanitize=thread", "-Xcc", "-DFP_TAGS_BY_WORD"],
        "environment": {"TSAN_OPTIONS": "halt_on_error=1"},
        "report": "WARNING: ThreadSanitizer",
    },
    "asan": {
        "build": ["--sanitize=address"],
        # The Swift runtime keeps what it allocates for types until the process ends.
        "environment": {"ASAN_OPTIONS": "halt_on_error=1:detect_leaks=0"},
        "report": "ERROR: AddressSanitizer",
    },
}
SHARE = "5"  # percent
# Beside other suites it gets what these leave of the CPUs.
BUILD_SECONDS = 1800
TEST_SECONDS = 1200


class Sanitized:
    """The package under one sanitizer."""

    def __init__(self, root, suite):
        self.suite = suite
        self.package = os.path.join(root, ".build", "sanitized", "package")
        self.options = ["-c", "release", "--package-path", self.package]
        self.options += ["--scratch-path", os.path.join(root, ".build", "sanitized", suite)]
        self.options += SANITIZERS[suite]["build"]
        self.report = os.path.join(root, ".build", "test-results", f"{suite}.xml")
        self._write_package(root)
        if os.path.exists(self.report):
            os.unlink(self.report)

    def _write_package(self, root):
        for folder in FOLDERS:
            link = os.path.join(self.package, folder)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if not os.path.islink(link):
                os.symlink(os.path.join(root, folder), link)
        manifest = os.path.join(self.package, "Package.swift")
        if not os.path.exists(manifest) or open(manifest, encoding="utf-8").read() != MANIFEST:
            with open(manifest, "w", encoding="utf-8") as file:
                file.write(MANIFEST)

    def start_build(self):
        """Starts the build, which takes one core: two can go on at once."""
        return subprocess.Popen(
            ["swift", "build", "--build-tests", "-j", "1", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test(self):
        """Runs the tests with their output on ours. Returns what went wrong, "" if nothing did."""
        sanitizer = SANITIZERS[self.suite]
        command = ["swift", "test", "--skip-build", "--disable-xctest", "--disable-testable-imports"]
        command += ["--xunit-output", self.report, *self.options]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=TEST_SECONDS, check=False, errors="replace",
                env=dict(os.environ, FASTPATH_TEST_SHARE=SHARE, **sanitizer["environment"]))
        except subprocess.TimeoutExpired as error:
            print((error.stdout or b"").decode(errors="replace"))
            return f"still running after {TEST_SECONDS} s"
        print(done.stdout, end="", flush=True)
        if sanitizer["report"] in done.stdout:
            return next(line for line in done.stdout.splitlines() if sanitizer["report"] in line)
        return f"exit status {done.returncode}" if done.returncode != 0 else ""


def run(root, suites, section, take_in):
    """Builds for all suites at once and runs one after the other.

    `take_in(suite, report, problem)` is told of the xUnit report of each, and of what went wrong beside it.
    """
    packages = [Sanitized(root, suite) for suite in suites]
    if not packages:
        return
    section(f"build for {', '.join(suites)}")
    started = time.monotonic()
    builds = [(package, package.start_build()) for package in packages]
    problems = {}
    for package, build in builds:
        try:
            output = build.communicate(timeout=BUILD_SECONDS)[0]
        except subprocess.TimeoutExpired:
            build.kill()
            output = build.communicate()[0]
        if build.returncode != 0:
            sys.stdout.write(output)
            problems[package.suite] = f"swift build: exit status {build.returncode}"
    print(f"({time.monotonic() - started:.0f} s)", flush=True)
    for package in packages:
        section(package.suite)
        started = time.monotonic()
        problem = problems.get(package.suite) or package.test()
        print(f"({time.monotonic() - started:.0f} s)", flush=True)
        take_in(package.suite, package.report, problem)
