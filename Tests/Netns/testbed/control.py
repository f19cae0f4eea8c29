"""fastpathctl, as the tests call it."""

import json
import os

from .bed import ROOT
from .command import run


class Refused(Exception):
    """The daemon refused a call (exit status 1); the text is its reason."""


class Control:
    """Commands to one daemon, by its socket."""

    def __init__(self, socket_path):
        self.socket_path = socket_path
        products = os.environ.get("FASTPATH_PRODUCTS", os.path.join(ROOT, ".build", "release"))
        self.program = os.path.join(products, "fastpathctl")

    def call(self, *arguments, text=None, timeout=60):
        """One command with `--json`. Returns standard output; raises Refused on exit status 1."""
        done = run(
            [self.program, "--socket", self.socket_path, "--json", *arguments], text=text, check=False, timeout=timeout
        )
        if done.returncode == 1:
            raise Refused(done.stderr.strip())
        if done.returncode != 0:
            raise RuntimeError(
                f"fastpathctl {' '.join(arguments)}: exit status {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout

    def set(self, *records):
        """Applies records, all or nothing; returns when the daemon has acknowledged."""
        return self.call("set", "-", text=ndjson(records))

    def delete(self, *records):
        """Deletes by key."""
        return self.call("delete", "-", text=ndjson(records))

    def load(self, path, *, replace=False):
        """Loads a file of records."""
        return self.call("load", path, *(["--replace"] if replace else []), timeout=300)

    def dump(self):
        """Everything the tables hold, as records."""
        return [json.loads(line) for line in self.call("dump").splitlines() if line.strip()]

    def counters(self):
        """All counters as a flat dictionary, zero values included."""
        return json.loads(self.call("counters", "--all"))

    def status(self):
        """The status screen as an object."""
        return json.loads(self.call("status"))

    def show(self, key):
        """One entry with its counters."""
        return json.loads(self.call("show", key))


def ndjson(records):
    """Records as NDJSON."""
    return "".join(json.dumps(record) + "\n" for record in records)
