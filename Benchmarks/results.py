"""The record of the last measurements: latest.json in the contract's format, and the same as a table for people."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "Benchmarks", "results")
JSON = os.path.join(FOLDER, "latest.json")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import plots  # noqa: E402  (beside this file)


class Wrong(Exception):
    """What is measured does not do what it should: its figures are worth nothing."""


class Incomplete(Exception):
    """A suite that could not measure all of its rows; `entries` are those that it could."""

    def __init__(self, entries, reasons):
        super().__init__("; ".join(reasons))
        self.entries = entries


def entry(suite, name, unit, rounds, peers=(), note=None, goal=None):
    """One result: the median of the rounds and their spread, the same of each peer (name, rounds, note); `goal` is what
    the median must reach, e.g. "≤ 1.0"."""
    made = {"suite": suite, "name": name, **spread(rounds), "unit": unit, "rounds": len(rounds), "peers": []}
    if goal:
        made["goal"] = goal
    if note:
        made["note"] = note
    for peer, figures, words in peers:
        # Of figures that were taken seconds apart: the machine's speed changes from round to round.
        ratios = [mine / other for mine, other in zip(rounds, figures) if other]
        ratio = {"ratio": round(statistics.median(ratios), 3)} if ratios else {}
        made["peers"].append({"name": peer, **spread(figures), **ratio, **({"note": words} if words else {})})
    return made


def spread(figures):
    """Median, lowest and highest of the rounds."""
    figure = {"value": statistics.median(figures), "min": min(figures), "max": max(figures)}
    return {name: round(number, 3) for name, number in figure.items()}


def machine():
    """What the figures were measured on."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = int(file.readline().split()[1])
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(kilobytes / (1 << 20), 1),
        "kernel": platform.release(),
    }


def toolchain():
    """What compiled the product and the peers."""
    lines = []
    for command in (["swift", "--version"], ["cc", "--version"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        lines.append(done.stdout.splitlines()[0] if done.stdout else f"{command[0]}: unknown")
    return lines


def revision():
    """The commit, with "+" when the tree differs from it in more than documents."""
    git = ["git", "-C", ROOT]
    head = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno", "--", ".", ":!*.md"], capture_output=True, text=True, check=False
    ).stdout
    return head + ("+" if changed else "")


def write(suite, entries, *, rest=False, reason=None):
    """Replaces a suite's entries and keeps the others'; with `rest` also those of its own that are not among the new ones.
    Each says of which revision it is, since others may be of an earlier one; `reason`: why some are missing."""
    names = {made["name"] for made in entries}
    entries = [{**made, "revision": revision()} for made in entries]
    os.makedirs(FOLDER, exist_ok=True)
    before = {"results": []}
    if os.path.exists(JSON):
        with open(JSON, encoding="utf-8") as file:
            before = json.load(file)
    kept = [old for old in before["results"] if old["suite"] != suite or (rest and old["name"] not in names)]
    missing = {name: why for name, why in before.get("incomplete", {}).items() if name != suite}
    if reason:
        missing[suite] = reason
    record = {"machine": machine(), "toolchain": toolchain(), "revision": revision(), "results": kept + entries}
    if missing:
        record["incomplete"] = missing
    save(record, JSON)


def save(record, path):
    """Writes a record, its plots, and both for people."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2, ensure_ascii=False)
        file.write("\n")
    os.replace(f"{path}.new", path)
    with open(f"{os.path.splitext(path)[0]}.md", "w", encoding="utf-8") as file:
        file.write(table(path))
        file.writelines(f"\n![{name}]({name})\n" for name in plots.draw(path))


def keep(version):
    """Makes the last measurements the record of a release; it is kept in the repository."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*(-[0-9A-Za-z.]+)?", version):
        sys.exit(f"VERSION is {version!r}: a release is numbers with points between them, as 1.0.0 or 1.1.0-rc.1")
    if not os.path.exists(JSON):
        sys.exit(f"{JSON} does not exist: run `make bench` first")
    with open(JSON, encoding="utf-8") as file:
        record = json.load(file)
    revisions = sorted({made.get("revision", "an unknown revision") for made in record["results"]})
    for suite, reason in record.get("incomplete", {}).items():
        sys.exit(f"suite {suite} is not complete: {reason}")
    if len(revisions) > 1:
        sys.exit(f"the measurements are of {', '.join(revisions)}: a release is of one; run `make bench`")
    if record["revision"].endswith("+"):
        print(f"warning: measured on a changed tree, {record['revision']}", file=sys.stderr)
    save({"version": version, **record}, os.path.join(FOLDER, f"{version}.json"))


def table(path=JSON):
    """A record as Markdown."""
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    facts = record["machine"]
    lines = [
        f"# Measurements of release {record['version']}" if "version" in record else "# Last measurements",
        "",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB,"
        f" kernel {facts['kernel']}; revision {record['revision']}; {'; '.join(record.get('toolchain', []))}.",
        "Medians; peers ran in turn with the product in the same run, and ratios are medians of the rounds' ratios.",
        "",
        *(f"Suite `{suite}` is not complete: {reason}\n" for suite, reason in record.get("incomplete", {}).items()),
        "| suite | name | value | goal | spread | peers | ratio | note |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in record["results"]:
        peers = ", ".join(f"{peer['name']} {peer['value']}" for peer in result["peers"]) or "–"
        ratio = ", ".join(f"{peer['ratio']:.2f} × {peer['name']}" for peer in result["peers"] if "ratio" in peer) or "–"
        notes = [result["note"]] if "note" in result else []
        if result.get("revision") != record["revision"]:
            notes.append(f"of revision {result.get('revision', 'unknown')}")
        lines.append(
            f"| {result['suite']} | {result['name']} | {result['value']} {result['unit']} | {result.get('goal', '–')} |"
            f" {result['min']}–{result['max']} in {result['rounds']} rounds | {peers} | {ratio} | {'; '.join(notes)} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: Benchmarks/results.py VERSION: keeps the last measurements as a release's")
    keep(sys.argv[1])
