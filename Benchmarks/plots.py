#!/usr/bin/python3
"""The plots of a record of results. Usage: Benchmarks/plots.py RECORD.json: writes RECORD-NAME.svg beside it."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chart  # noqa: E402  (beside this file)

SCALE = {"": 1, "k": 1000, "m": 1000000}


def values(result, own="fastpath"):
    """{contestant: value} of a result."""
    return {own: result["value"], **{peer["name"]: peer["value"] for peer in result["peers"]}}


def by(results, pattern):
    """Results of the suite `port` whose name fits, with what the pattern's group found."""
    found = []
    for result in results:
        match = re.fullmatch(pattern, result["name"]) if result["suite"] == "port" else None
        if match:
            found.append((match.group(1), result))
    return found


def turned(points):
    """{contestant: [(x, y)]} of [(x, {contestant: y})]."""
    series = {}
    for x, figures in sorted(points, key=lambda point: point[0]):
        for name, value in figures.items():
            series.setdefault(name, []).append((x, value))
    return series


def tables(results):
    """Rate by size of the table."""
    points, labels = [], {}
    for words, result in by(results, r"lma-downlink-by-table-(\d+[km]?)"):
        size = int(words.rstrip("km")) * SCALE[words.lstrip("0123456789")]
        points.append((size, values(result)))
        labels[size] = words.upper() if words.endswith("m") else words
    return points and chart.lines(
        "Downlink by size of the table, 78-octet frames", "Mpps", "bindings", turned(points), labels=labels,
        logarithmic=True,
    )


def sizes(results):
    """Rate by size of the frames, the smallest among the rates."""
    found = by(results, r"lma-downlink-1m-(\d+|imix)")
    smallest = by(results, r"lma-downlink-(1m)")
    if not found or not smallest:
        return None
    found = [("78", smallest[0][1])] + found
    groups = [words for words, _ in found]
    series = {}
    shown = set(values(found[1][1]))
    for words, result in found:
        for name, value in values(result).items():
            if name in shown:
                series.setdefault(name, {})[words] = value
    return chart.bars("Downlink by size of the frames, a million bindings", "Mpps", series, groups)


def latencies(results):
    """Latency by load."""
    series, labels = {}, {}
    for quantile, words in (("p50", "median"), ("p99", "p99"), ("p999", "p99.9")):
        for share, result in by(results, rf"latency-{quantile}-(\d+)"):
            labels[int(share)] = f"{share} %"
            for name, value in values(result).items():
                series.setdefault(f"{name} {words}", []).append((int(share), value))
    return series and chart.lines(
        "Latency by load, 78-octet frames, a million bindings", "µs", "share of the own loss-free rate", series,
        labels=labels,
        decades=True,
    )


def comparison(results, suite, title):
    """The product beside its peers in a suite's rows that have a rate to reach."""
    groups, series = [], {}
    for result in results:
        if result["suite"] == suite and result["unit"] == "Mpps" and result["peers"] and result.get("goal"):
            groups.append(result["name"].replace("-", " "))
            for name, value in values(result).items():
                series.setdefault(name, {})[groups[-1]] = value
    return groups and chart.bars(title, "Mpps", series, groups)


def engine(results):
    """The pipeline beside the same by hand."""
    return comparison(results, "engine", "The turn in memory, beside the same by hand in C")


def port(results):
    """The product beside its peers on interfaces."""
    return comparison(results, "port", "On interfaces: 78-octet frames, a million bindings")


def draw(path):
    """Writes the plots of a record that has what they show; returns their names."""
    with open(path, encoding="utf-8") as file:
        results = json.load(file)["results"]
    written = []
    kinds = {"tables": tables, "sizes": sizes, "latency": latencies, "engine": engine, "port": port}
    for name, make in kinds.items():
        picture = make(results)
        if picture:
            target = f"{os.path.splitext(path)[0]}-{name}.svg"
            with open(target, "w", encoding="utf-8") as file:
                file.write(picture)
            written.append(os.path.basename(target))
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(draw(sys.argv[1])))
