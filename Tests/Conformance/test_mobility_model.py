"""Thousands of random sequences of operations and packets, at a MAG and at an LMA, against a slow model of the tables.

A failure prints the seed and the line that runs it again: FASTPATH_SEED=… FASTPATH_RUNS=1.
"""

import os
import random
import unittest

from mobility.anchor import Anchor
from mobility.gateway import Gateway
from mobility.history import PER_NODE, TIMEOUT, TOTAL, History
from mobility.sequences import PROXY_COA2, AtAnchor, AtGateway
from replay import replay
from rows import balance
from world import *

RUNS = int(os.environ.get("FASTPATH_RUNS", "17"))
SEQUENCES = 40  # in a run; each begins with empty tables
LENGTH = 60
BUFFERS = {"per-mobile-node": PER_NODE, "total": TOTAL, "timeout": f"{TIMEOUT}ms"}
MODEL_MAG = MAG.with_(local_addresses=[MAG1, PROXY_COA2], buffers=BUFFERS)


class Model(unittest.TestCase):
    """Both roles."""

    def test_S_51_sequences_at_a_mag(self):
        for flag in (False, True):
            configuration = MODEL_MAG.with_(local_routing=flag)
            self.check("gateway", configuration, lambda flag=flag: Gateway(local_routing=flag), AtGateway)

    def test_S_51_sequences_at_an_lma(self):
        self.check("anchor", LMA, Anchor, AtAnchor)

    def check(self, role, configuration, tables, sequence):
        first = int(os.environ.get("FASTPATH_SEED", random.SystemRandom().randrange(1 << 32)))
        counted = {"tx": 0, "drop": 0, "kernel": 0}
        for seed in range(first, first + RUNS):
            history = play(random.Random(f"{role} {seed}"), tables(), sequence)
            result = replay(configuration, history.packets, script=history.script)
            problems = list(history.problems(result))
            if problems:
                again = f"FASTPATH_SEED={seed} FASTPATH_RUNS=1 /usr/bin/python3 -m unittest {self.id()}"
                told = "\n".join(history.story(problems[0][0], result))
                self.fail(f"\n{told}\n\n{problems[0][1]}\nseed {seed}; again, in Tests/Conformance: {again}")
            self.assertEqual(*balance(result.counters), f"seed {seed}")
            self.assertEqual(result.counters.get("held", 0), 0, f"seed {seed}")
            for verdict in result.verdicts:
                counted[verdict["verdict"]] += 1
        # A model that forbids everything agrees with a product that forwards nothing.
        for verdict, least in (("tx", 0.08), ("drop", 0.2)):
            self.assertGreater(counted[verdict], least * sum(counted.values()), counted)


def play(generator, tables, sequence):
    """Many sequences, one after the other, on one clock."""
    history = History(tables)
    history.begin("transport")
    for number in range(SEQUENCES):
        history.sequence = number
        sequence(generator, history).run(LENGTH)
    return history


if __name__ == "__main__":
    unittest.main()
