"""The record of the last measurements: latest.json in the contract's format, and the same as a table for people."""

import json
import os
import platform
import statistics
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "Benchmarks", "results")
JSON = os.path.join(FOLDER, "latest.json")


def entry(suite, name, unit, rounds, peers=(), note=None, goal=None):
    """One result: the median of the rounds, their spread, each peer's median (name, rounds, note); `goal` is what the
    median must reach, e.g. "≤ 1.0"."""
    made = {
        "suite": suite,
        "name": name,
        "value": round(statistics.median(rounds), 3),
        "unit": unit,
        "min": round(min(rounds), 3),
        "max": round(max(rounds), 3),
        "rounds": len(rounds),
        "peers": [],
    }
    if goal:
        made["goal"] = goal
    if note:
        made["note"] = note
    for peer, figures, words in peers:
        made["peers"].append(
            {"name": peer, "value": round(statistics.median(figures), 3), **({"note": words} if words else {})}
        )
    return made


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


def revision():
    """The commit, with "+" when the tree differs from it."""
    git = ["git", "-C", ROOT]
    head = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False
    ).stdout
    return head + ("+" if changed else "")


def write(suite, entries):
    """Replaces a suite's entries and keeps the others'."""
    os.makedirs(FOLDER, exist_ok=True)
    kept = []
    if os.path.exists(JSON):
        with open(JSON, encoding="utf-8") as file:
            kept = [old for old in json.load(file)["results"] if old["suite"] != suite]
    record = {"machine": machine(), "revision": revision(), "results": kept + entries}
    with open(f"{JSON}.new", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    os.replace(f"{JSON}.new", JSON)
    with open(os.path.join(FOLDER, "latest.md"), "w", encoding="utf-8") as file:
        file.write(table())


def table():
    """latest.json as Markdown."""
    with open(JSON, encoding="utf-8") as file:
        record = json.load(file)
    facts = record["machine"]
    lines = [
        "# Last measurements",
        "",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB,"
        f" kernel {facts['kernel']}; revision {record['revision']}.",
        "Medians; peers ran in turn with the product in the same run.",
        "",
        "| suite | name | value | goal | spread | peers | ratio | note |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in record["results"]:
        peers = ", ".join(f"{peer['name']} {peer['value']}" for peer in result["peers"]) or "–"
        ratio = ", ".join(f"{result['value'] / peer['value']:.2f}" for peer in result["peers"] if peer["value"]) or "–"
        lines.append(
            f"| {result['suite']} | {result['name']} | {result['value']} {result['unit']} | {result.get('goal', '–')} |"
            f" {result['min']}–{result['max']} in {result['rounds']} rounds | {peers} | {ratio} | {result.get('note', '')} |"
        )
    return "\n".join(lines) + "\n"
