"""The programs of the `table` suite: how they are built and started."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

from contestants import BENCHMARKS, CPU, run  # noqa: E402

BUILT = os.path.join(BENCHMARKS, ".build", "table")
PREFIXES = os.path.join(BUILT, "prefixes.txt")
# What a million random /64s take in rte_fib6: five groups of 256 entries of four octets each, and a number per group.
FIB6_MEBIBYTES = 5 * 1028 * 1000000 // (1 << 20) + 64


def build():
    """Builds all programs and draws the full table. Needs libdpdk with its pkg-config file."""
    os.makedirs(BUILT, exist_ok=True)
    run(["swift", "build", "-c", "release", "--package-path", BENCHMARKS, "--product", "tablebench"])
    optimised = ["gcc", "-O3", "-Wall", "-Wextra", "-Werror"]
    run([*optimised, "-march=native", "-o", os.path.join(BUILT, "c"), os.path.join(HERE, "c.c")])
    flags, libraries = (run(["pkg-config", option, "libdpdk"]).split() for option in ("--cflags", "--libs"))
    for name in ("rte_fib6", "rte_hash"):
        # Last, since DPDK's own flags say -march=corei7.
        source, native = os.path.join(HERE, f"{name}.c"), "-march=native"
        run([*optimised, *flags, native, "-o", os.path.join(BUILT, name), source, *libraries])
    draw_prefixes()


def draw_prefixes():
    """Writes the full table."""
    os.makedirs(BUILT, exist_ok=True)
    with open(PREFIXES, "w", encoding="ascii") as file:
        subprocess.run([sys.executable, os.path.join(HERE, "prefixes.py")], stdout=file, check=True)


def fib6_mebibytes():
    """Memory for rte_fib6's trie: what a million prefixes need, or what is left beside the others."""
    with open("/proc/meminfo", encoding="ascii") as file:
        facts = dict(line.split(":", 1) for line in file)
    available = int(facts["MemAvailable"].split()[0]) // 1024
    # The other contestants use about 3 GiB, rte_fib6 2 GiB beside the groups of its trie; the rest stays free.
    return max(64, min(FIB6_MEBIBYTES, available - 7 * 1024))


def commands():
    """Each contestant's command line, by name."""
    return {
        "fastpath": [os.path.join(BENCHMARKS, ".build", "release", "tablebench"), PREFIXES],
        "c": [os.path.join(BUILT, "c")],
        "rte_fib6": [os.path.join(BUILT, "rte_fib6"), CPU, fib6_mebibytes(), PREFIXES],
        "rte_hash": [os.path.join(BUILT, "rte_hash"), CPU],
    }
