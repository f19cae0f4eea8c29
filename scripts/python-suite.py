#!/usr/bin/python3
"""Runs one directory of unittest files and writes every outcome to a JSON report: [[name, outcome, words], …].

Usage: scripts/python-suite.py DIRECTORY REPORT
"""

import json
import os
import sys
import unittest


class Recorder(unittest.TextTestResult):
    """A text result that also keeps one outcome per test; a test with a failed subtest is one failed test."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = {}

    def _record(self, test, outcome, words=""):
        # A failure in a subtest or in the teardown outweighs whatever was recorded for the test.
        if self.outcomes.get(test.id(), ("passed",))[0] != "failed":
            self.outcomes[test.id()] = (outcome, words)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._record(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._record(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._record(test, "failed", last_line(err))

    def addError(self, test, err):
        super().addError(test, err)
        self._record(test, "failed", last_line(err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._record(test, "failed", f"{subtest._message}: {last_line(err)}")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        # Nothing here is expected to fail: what does not hold yet is not merged.
        self._record(test, "failed", "marked as expected failure")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._record(test, "failed", "marked as expected failure, but passes")


def last_line(err):
    """The error in one line."""
    return f"{err[0].__name__}: {err[1]}".splitlines()[0][:300]


def main(directory, report):
    """Exit status 0 when everything passed."""
    directory = os.path.abspath(directory)
    os.chdir(directory)
    sys.path.insert(0, directory)
    suite = unittest.defaultTestLoader.discover(directory, pattern="test_*.py", top_level_dir=directory)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=1, resultclass=Recorder, buffer=False)
    result = runner.run(suite)
    with open(report, "w", encoding="utf-8") as file:
        json.dump(
            [[name, outcome, words] for name, (outcome, words) in sorted(result.outcomes.items())], file, indent=0
        )
    return 0 if result.wasSuccessful() and not result.skipped else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
