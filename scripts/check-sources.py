#!/usr/bin/python3
"""Checks of the sources that no formatter makes: scripts compile, and words that must not be in a commit are not.

Usage: scripts/check-sources.py. Prints FILE:LINE: rule for each finding; exit status 1 when there is one.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# (pattern, rule, files it concerns). The words are split so that this file does not find itself.
RULES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b"), "unfinished work belongs in an issue", None),
    (
        re.compile(r"\beth" r"0\b"),
        "the machine's own uplink is never named in code",
        (".swift", ".c", ".h", ".py", ".sh"),
    ),
    (re.compile(r"^(<{7} |>{7} |={7}$)"), "merge conflict", None),
    # But for the processor, which a package of tools version 6.2 may name (Package.swift).
    (
        re.compile(r"unsafe" r"Flags(?!\(\[.-Xcc., .-march)"),
        "others could not depend on this package",
        (".swift",),
    ),
    (re.compile(r"\btry!"), "errors are handled or thrown", (".swift",)),
    (re.compile(r"[ \t]+$"), "trailing space", (".swift", ".c", ".h", ".py", ".sh", ".yaml")),
]
UNCHECKED = re.compile(r"@unchecked Sendable")
# The owners of shared memory (docs/ARCHITECTURE.md, "Threads"), each with its reason.
UNCHECKED_OWNERS = "scripts/unchecked-sendable.txt"


def tracked_files():
    """Files of the working tree that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return sorted(
        name for name in listed.stdout.decode().split("\0") if name and os.path.isfile(os.path.join(ROOT, name))
    )


def findings(name, text, owners):
    """Lines of one file that break a rule, and scripts that do not compile."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, rule, endings in RULES:
            if endings and not name.endswith(endings):
                continue
            if pattern.search(line):
                yield f"{name}:{number}: {rule}"
        if name.startswith("Sources/") and name not in owners and UNCHECKED.search(line.split("//")[0]):
            yield f"{name}:{number}: only owners of shared memory may say so, listed in {UNCHECKED_OWNERS}"
    if name.endswith(".py"):
        try:
            compile(text, name, "exec")
        except SyntaxError as error:
            yield f"{name}:{error.lineno}: {error.msg}"


def main():
    """Reads every text file once."""
    with open(os.path.join(ROOT, UNCHECKED_OWNERS), encoding="utf-8") as file:
        owners = {line.split("#")[0].strip() for line in file} - {""}
    found = [
        f"{UNCHECKED_OWNERS}: {name} does not exist" for name in owners if not os.path.exists(os.path.join(ROOT, name))
    ]
    for name in tracked_files():
        with open(os.path.join(ROOT, name), "rb") as file:
            data = file.read()
        if b"\0" in data:
            continue
        found += findings(name, data.decode("utf-8", errors="replace"), owners)
    print("\n".join(found) if found else "sources: nothing forbidden")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
