#!/usr/bin/python3
"""Brings up a whole Proxy Mobile IPv6 domain in network namespaces, runs real traffic and prints what was checked.

Usage: scripts/demo.py     (`make demo` builds first). Needs root. Exit status 0 only if every row holds; everything
made is removed on every way out. FASTPATH_KEEP=1 keeps the directory with configurations and logs.
"""

import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "Tests", "Netns"))

import demo_checks  # noqa: E402  (beside this file)
from testbed import Domain  # noqa: E402
from testbed.daemon import PRODUCTS  # noqa: E402

WIDTHS = (64, 36, 48)


class Table:
    """The rows as they come: check, expected, measured, ok."""

    def __init__(self):
        self.held = 0
        self.failed = []

    def head(self):
        """The head of the table."""
        self._line("check", "expected", "measured", "ok")
        self._line(*("-" * width for width in WIDTHS), "--")

    def row(self, check, expected, measured, ok):
        """One finished check."""
        if ok:
            self.held += 1
        else:
            self.failed.append(check)
        self._line(check, expected, measured, "ok" if ok else "NO")

    @staticmethod
    def _line(check, expected, measured, ok):
        cells = (check, str(expected), str(measured))
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)) + "  " + ok, flush=True)


def main():
    """Sets the domain up, runs the checks, sums up."""
    if os.geteuid() != 0:
        print("demo: network namespaces need root: run it as root", file=sys.stderr)
        return 2
    for name in ("fastpathd", "fastpathctl"):
        if not os.access(os.path.join(PRODUCTS, name), os.X_OK):
            print(f"demo: {PRODUCTS}/{name} is missing: build it with `make build`", file=sys.stderr)
            return 2
    started = time.monotonic()
    table = Table()
    with Domain(taps=True, peered=True) as domain:
        print("CN ─ core ─ LMA ─ transport1 ─ MAG1 ─ access ─ MN1 (leg1)")
        print("             └─── transport2 ─ MAG2 ─ access ─ MN1 (leg2), access2 ─ MN2")
        print("                               MAG1 ─ peer ─ MAG2\n")
        planes = demo_checks.Planes(domain)
        planes.start()
        table.head()
        for check in demo_checks.CHECKS:
            try:
                check(planes, table.row)
            except Exception as error:  # one broken check must not hide the others
                table.row(
                    check.__doc__.split(".")[0], "the check runs", f"{type(error).__name__}: {error}"[:200], False
                )
        if table.failed:
            planes.print_logs()
    total = table.held + len(table.failed)
    print(f"\n{table.held} of {total} checks hold ({time.monotonic() - started:.0f} s)")
    for check in table.failed:
        print(f"does not hold: {check}")
    return 1 if table.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
