"""A chosen set of conformance rows on real interfaces: the same frames, the same answers, the same counters.

Replay runs the pipeline and the slow path in one thread with a clock of its own. Here the frames cross the steering
program, AF_XDP, the workers, the rings and the slow path's thread, and come out of a veth.
"""

import os
import sys
import unittest
from dataclasses import replace

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Conformance"))

import rows  # noqa: E402
import test_delegated  # noqa: E402
import test_ecn  # noqa: E402
import test_encapsulation_limit  # noqa: E402
import test_fragments  # noqa: E402
import test_hop_limit  # noqa: E402
import test_icmp_errors  # noqa: E402
import test_ipv4  # noqa: E402
import test_lengths  # noqa: E402
import test_lma_downlink  # noqa: E402
import test_outer_headers  # noqa: E402
import test_receive  # noqa: E402
import test_tunnel_errors  # noqa: E402
import test_visitors  # noqa: E402
from replay import replay  # noqa: E402
from testbed.live_rows import Links, same_links  # noqa: E402

# Each list of rows, and how the titles of the chosen ones begin.
CHOSEN = (
    (test_ecn.Ingress.rows, ("LMA encapsulates", "MAG encapsulates")),
    (test_ecn.Egress.rows, ("LMA from tunnel to tunnel", "LMA inner 00 outer 11", "MAG inner 10 outer 01")),
    (test_hop_limit.HopLimit.rows, ("",)),
    (test_encapsulation_limit.Entry.rows, ("found directly", "a limit of 0 directly", "at the LMA")),
    (test_encapsulation_limit.Exit.rows, ("at the MAG",)),
    (test_encapsulation_limit.Sizes.rows, ("1460 octets", "so does the limit")),
    (test_icmp_errors.TooBig.rows, ("",)),
    (test_icmp_errors.Quotes.rows, ("as much is quoted", "an ICMPv4 error")),
    (test_icmp_errors.Unreachable.rows, ("no route", "a destination in")),
    (test_fragments.Entry.rows, ("",)),
    (
        test_fragments.Exit.rows,
        ("reversed", "two packets interleaved", "destination options behind", "an overlap", "a reassembled packet's"),
    ),
    (test_fragments.Congestion.rows, ("ECT(0) and CE", "Not-ECT with CE")),
    (test_tunnel_errors.Relayed.rows, ("hop limit, unreachable", "IPv4 originals", "at the MAG")),
    (test_tunnel_errors.Path.rows, ("Packet Too Big inside", "less than 1280", "a path belongs")),
    (test_outer_headers.Walk.rows, ("all five", "routing headers", "unknown options of type 01", "jumbograms")),
    (test_lengths.Trimmed.rows, ("",)),
    (test_ipv4.IPv4.rows, ("the incremental checksum", "a wrong header checksum")),
    (test_lma_downlink.Passing.rows, ("IPv4 options", "inner fragments")),
    (test_receive.Tags.rows, ("a tag on the access link", "another tag")),
    (test_receive.Empty.rows, ("without a binding nothing",)),
    (test_visitors.Local.rows, ("a visitor's source from another link",)),
    (test_delegated.Delegated.rows, ("",)),
)


def chosen():
    """The rows, but for those with a clock of their own. What the kernel gets is counted here and seen in replay."""
    for some, beginnings in CHOSEN:
        found = [row for row in some if row.title.startswith(beginnings)]
        if not found:
            raise ValueError(f"no row begins with {beginnings}")
        for row in found:
            if row.script or any(step.at is not None or step.left is not None for step in row.steps):
                continue
            yield row


class LiveRows(rows.Conformance):
    """Replay says which packet has which fate; the frames and the counters of the live run are held to the row."""

    rows = tuple(chosen())

    @classmethod
    def setUpClass(cls):
        cls.links = {}

    @classmethod
    def tearDownClass(cls):
        for links in cls.links.values():
            links.close()

    def check(self, row):
        key = same_links(row.configuration)
        if key not in self.links:
            type(self).links[key] = Links(row.configuration)
        steps = [replace(step, at=number * rows.STEP_SECONDS) for number, step in enumerate(row.steps)]
        packets = [(step.port, step.at, step.frame) for step in steps]
        live = self.links[key].run(row)
        live.verdicts = replay(row.configuration, packets, records=row.records).verdicts
        self.check_frames(row, steps, live)
        self.check_counters(row, steps, live)


def load_tests(loader, _tests, _pattern):
    """The rows here, not those of the modules they come from."""
    return loader.loadTestsFromTestCase(LiveRows)


if __name__ == "__main__":
    unittest.main()
