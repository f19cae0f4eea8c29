#!/usr/bin/python3
"""docs/CONFORMANCE.md: one line for each requirement, with what shows it, why it is not there yet, or whose it is.

Run it after rows or statuses have changed:  /usr/bin/python3 Tests/Conformance/statement.py

The requirements are in requirements.txt (identifier, strength, section), the rows are found in the test modules beside
it, and statuses.tsv says what they do not show. test_statement.py holds the document to the rules below.
"""

import collections
import glob
import importlib
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DOCUMENT = os.path.join(ROOT, "docs", "CONFORMANCE.md")
STATUSES = ("done", "later", "not ours")
# Sections of part 2 whose every M the forwarding plane keeps today, and those of which it keeps every I as well: the
# mobility family's own, with part 1.
COMPLETE = range(7, 17)
FAMILY = (1, 2, 4, 5, 6)
# Tunnels over IPv4 wait, as GRE (2.3) does.
EXEMPT = ("R5844-9", "R5844-10", "R5844-11")

HEADING = """# Conformance

One line for each requirement of the protocol family on a forwarding plane, by the identifiers of the conformance suite: sections 1 are the family's own documents, 2.1 RFC 5213,
2.2 RFC 5844, 2.3 RFC 5845, 2.4 RFC 5949 and 5568, 2.5 RFC 6705, 2.6 companions, 2.7 RFC 6275 and 3963, 2.8 RFC 6040 and 2983, 2.9 RFC 2473, 2.10 RFC 6437 and 6438, 2.11 RFC 8200,
5095 and 4291, 2.12 RFC 4443, 1812, 792 and 1191, 2.13 RFC 8201, 2.14 what is the kernel's, 2.15 anti-spoofing, 2.16 the platform. M is a must, S should, O may, I implied, H hardening.

*done* names the tests: a file of `Tests/Conformance` with its number of rows (packets built by Scapy in, packets out compared octet by octet, through `fastpathctl replay`), or a test elsewhere.
*later* says what is missing. *not ours* says where it is done. `Tests/Conformance/statement.py` writes this table and says how; a test fails when a requirement is missing here.

| id | section | strength | status | shown by, missing, or done by |
| --- | --- | --- | --- | --- |
"""


def requirements():
    """{identifier: (strength, section)} in the order of requirements.txt."""
    with open(os.path.join(HERE, "requirements.txt"), encoding="utf-8") as file:
        return {identifier: (strength, section) for identifier, strength, section in map(str.split, file)}


def is_owed(identifier, strength, section):
    """Whether `later` is no answer."""
    part, _, number = section.partition(".")
    if part == "1" or int(number) in FAMILY:
        return bool({"M", "I"} & set(strength.split("/"))) and identifier not in EXEMPT
    return "M" in strength.split("/") and int(number) in COMPLETE


def rows():
    """{identifier: {file: number of test methods}} of the modules here; a method's name begins with its identifier."""
    found = collections.defaultdict(collections.Counter)
    sys.path.insert(0, HERE)
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        name = os.path.basename(path)[:-3]
        module = importlib.import_module(name)
        for case in vars(module).values():
            if isinstance(case, type) and issubclass(case, unittest.TestCase) and case.__module__ == name:
                for method in unittest.defaultTestLoader.getTestCaseNames(case):
                    match = re.match(r"test_(S|RX|RPUNT|RSPOOF|R\d+)_(\d+)(?!\d)", method)
                    if match:
                        found[f"{match.group(1)}-{match.group(2)}"][f"Tests/Conformance/{name}.py"] += 1
    return found


def statuses():
    """{identifier: [(status, words), …]} of statuses.tsv."""
    found = collections.defaultdict(list)
    with open(os.path.join(HERE, "statuses.tsv"), encoding="utf-8") as file:
        for line in file:
            identifier, status, words = line.rstrip("\n").split("\t")
            found[identifier].append((status, words))
    return found


def write():
    """The document, from requirements, rows and statuses."""
    shown, said = rows(), statuses()
    lines = []
    for identifier, (strength, section) in requirements().items():
        references = [f"`{path}` ({count})" for path, count in sorted(shown[identifier].items())]
        references += [f"`{words}`" for status, words in said[identifier] if status == "done"]
        others = [entry for entry in said[identifier] if entry[0] != "done"]
        status, words = others[0] if others else ("done", "")
        words = "; ".join([words] * bool(words) + [", ".join(references)] * bool(references))
        lines.append(f"| {identifier} | {section} | {strength} | {status} | {words} |\n")
    return HEADING + "".join(lines)


def entries(text):
    """(identifier, section, strength, status, words) of each line of the table."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"[A-Z][A-Z0-9]*-\d+", cells[0]):
            yield tuple(cells)


def problems(text, shown):
    """What is wrong with a document: one line each. `shown` is `rows()`."""
    found, wanted = [], requirements()
    seen = collections.Counter(entry[0] for entry in entries(text))
    found += [f"{identifier}: missing" for identifier in wanted if identifier not in seen]
    found += [f"{identifier}: listed {count} times" for identifier, count in seen.items() if count > 1]
    for identifier, section, strength, status, words in entries(text):
        if identifier not in wanted:
            found.append(f"{identifier}: no such requirement")
        elif (strength, section) != wanted[identifier]:
            found.append(f"{identifier}: section {section} and strength {strength} are not {wanted[identifier]}")
        elif status not in STATUSES:
            found.append(f"{identifier}: {status!r} is no status")
        elif not words:
            found.append(f"{identifier}: {status} without a word")
        elif status == "later" and is_owed(identifier, strength, section):
            found.append(f"{identifier}: an {strength} of section {section} is later")
        elif status == "done":
            found += wrong_references(identifier, words, shown)
    return found


def wrong_references(identifier, words, shown):
    """What is wrong with the tests that a line names."""
    references = re.findall(r"`([^`:]+)(?:: ([^`]+))?`(?: \((\d+)\))?", words)
    if not references:
        yield f"{identifier}: done, but no test is named"
    for path, name, count in references:
        if not os.path.exists(os.path.join(ROOT, path)):
            yield f"{identifier}: there is no {path}"
        elif name:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                if not re.search(rf"\b(?:def|func|class|struct) {re.escape(name)}\b", file.read()):
                    yield f"{identifier}: {path} has no test {name}"
        elif shown[identifier][path] != int(count or 0):
            yield f"{identifier}: {path} has {shown[identifier][path]} rows of it, not {count or 0}"
    named = {path for path, name, _ in references if not name}
    for path in shown[identifier].keys() - named:
        yield f"{identifier}: {path} has rows of it and is not named"


if __name__ == "__main__":
    with open(DOCUMENT, "w", encoding="utf-8") as document:
        document.write(write())
    sys.exit("\n".join(problems(write(), rows())) or 0)
