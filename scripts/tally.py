"""What came out of each suite."""

import json
from collections import Counter


class Tally:
    """Outcomes of all suites, by suite."""

    def __init__(self):
        self.suites = {}
        self.problems = []

    def add(self, suite, outcome, name="", words=""):
        """Counts one test; a failure or a skip keeps its words for the summary."""
        self.suites.setdefault(suite, Counter())[outcome] += 1
        if outcome != "passed":
            self.problems.append(f"{outcome}: {suite}: {name}{': ' if words else ''}{words}")

    def expect(self, suite, minimum):
        """Fails when a suite has fewer tests than it once had."""
        count = sum(self.suites.get(suite, Counter()).values())
        if count < minimum:
            self.add(suite, "failed", "expected tests are missing", f"{count} ran, Tests/expected.json says {minimum}")

    def merge(self, suites, problems):
        """Adds what another run has written with `write`."""
        for suite, counts in suites.items():
            self.suites.setdefault(suite, Counter()).update(counts)
        self.problems += problems

    def write(self, path):
        """The outcomes as JSON."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"suites": self.suites, "problems": self.problems}, file)

    def total(self, outcome):
        """How many tests ended so."""
        return sum(counts[outcome] for counts in self.suites.values())
