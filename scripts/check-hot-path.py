#!/usr/bin/python3
"""Shows that nothing a worker does per packet allocates, retains, releases or asks the runtime.

Usage: scripts/check-hot-path.py --root WORDS [--root WORDS …] [--allow NAME …] [--objects FILE …]

Disassembles the release objects of the hot modules, starts from every function whose readable name contains all the
words of a --root ("specialized Worker turn"), follows direct calls and jumps inside the modules, and fails with the
path when a function outside of them is reachable that is not known to be harmless, when a call through a register is (a
witness or a closure: dynamic dispatch), or when a root matches nothing (then it would prove nothing). Swift merges functions that differ only
in what they call into one that takes the callees as arguments (symbols ending in "Tm"): there every function whose
address its callers take is followed instead. An --allow names a function that is not entered: what a turn does on
request, never per packet. It must be reached, or it is reported as stale.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULES = ("FastPath", "FlowTable", "CXdp")
# All that a turn may call outside of these modules: what moves octets, the kernel, the clock, and Swift's own SipHash of
# plain values. Whatever else there is, it counts as what it may do: allocate, retain, release, lock, check, dispatch.
ALLOWED = re.compile(
    r"^(memcpy|memmove|memset|sendto|recvfrom|write|clock_gettime|__errno_location|__stack_chk_fail"
    r"|\$ss6HasherV\w+)$"
)
_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_RELOCATION = re.compile(r"^\s*[0-9a-f]+:\s+R_X86_64_(\w+)\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$")
# Relocations of code; others are of data and never name a function that runs.
_CODE = ("PLT32", "PC32", "GOTPCRELX", "REX_GOTPCRELX", "GOTPCREL")
_TARGET = re.compile(r"<([^>+]+)(?:\+0x[0-9a-f]+)?>")


def objects_of(modules):
    """The newest release objects of the modules."""
    found = []
    for module in modules:
        found += glob.glob(os.path.join(ROOT, ".build", "release", f"{module}.build", "**", "*.o"), recursive=True)
    return sorted(found)


def tool(name):
    """The toolchain's llvm tool if it is beside swift, else the system's."""
    for candidate in (f"llvm-{name}", name):
        for directory in os.environ["PATH"].split(":"):
            if os.access(os.path.join(directory, candidate), os.X_OK):
                return os.path.join(directory, candidate)
    sys.exit(f"check-hot-path: neither llvm-{name} nor {name} is installed")


class Graph:
    """Who calls whom, and whose address is taken where, in mangled names."""

    def __init__(self):
        self.calls = {}
        self.taken = {}
        self.callers = {}

    def read(self, path):
        """Adds one object; the target of a branch comes from its relocation or from the same section."""
        command = [tool("objdump"), "-d", "-r", "--no-show-raw-insn", path]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        function, branch = None, None
        for line in text.splitlines():
            if match := _FUNCTION.match(line):
                self._settle(function, branch)
                function, branch = match.group(2), None
                self.calls.setdefault(function, [])
                self.taken.setdefault(function, set())
            elif match := _RELOCATION.match(line):
                if branch is not None and match.group(1) in _CODE:
                    # It names the branch's target, also for a call through the GOT: call *symbol@GOTPCREL(%rip).
                    self.calls[function].append((match.group(2), "call"))
                    branch = None
                elif function is not None:
                    self.taken[function].add(match.group(2))
            elif match := _INSTRUCTION.match(line):
                self._settle(function, branch)
                branch = match.groups()[1:] if re.match(r"call|j[a-z]+", match.group(2)) else None
        self._settle(function, branch)

    def _settle(self, function, branch):
        """A branch without relocation: into this section (named by the disassembler), or through a register."""
        if branch is None:
            return
        mnemonic, operands = branch
        target = _TARGET.search(operands)
        if operands.startswith("*"):
            # An indirect jump is a switch's jump table; an indirect call is dynamic dispatch.
            if mnemonic.startswith("call"):
                self.calls[function].append((operands, "indirect"))
        elif target and target.group(1) != function and not target.group(1).startswith(".text"):
            self.calls[function].append((target.group(1), "call"))

    def finish(self):
        """Turns the calls round."""
        for function, edges in self.calls.items():
            for callee, _how in edges:
                self.callers.setdefault(callee, set()).add(function)

    def arguments_of_merged(self, function):
        """What a merged function's pointers can be: functions whose address its callers take, up to unmerged ones."""
        found, seen, queue = set(), {function}, [function]
        while queue:
            for caller in self.callers.get(queue.pop(), ()):
                found |= {symbol for symbol in self.taken[caller] if symbol in self.calls}
                if caller.endswith("Tm") and caller not in seen:
                    seen.add(caller)
                    queue.append(caller)
        return found


def demangle(symbols):
    """Mangled → readable names."""
    done = subprocess.run(
        ["swift", "demangle", "--simplified"], input="\n".join(symbols), capture_output=True, text=True, check=True
    )
    return dict(zip(symbols, done.stdout.splitlines(), strict=True))


def violations(graph, names, came_from, allowed):
    """Walks from the roots, the keys of `came_from`. Yields (path, offence); notes the way and the allowed ones met."""
    queue = list(came_from)
    while queue:
        function = queue.pop()
        edges = set(graph.calls.get(function, ()))
        passed = graph.arguments_of_merged(function) if function.endswith("Tm") else set()
        if passed:
            edges = {edge for edge in edges if edge[1] != "indirect"} | {(symbol, "call") for symbol in passed}
        for callee, how in sorted(edges):
            barrier = next((entry for entry in allowed if entry in names.get(callee, callee)), None)
            if barrier is not None:
                allowed[barrier] = True
            elif how == "indirect" or (callee not in graph.calls and not ALLOWED.match(callee)):
                yield path_to(function, came_from, names), ("call through " if how == "indirect" else "") + callee
            elif callee in graph.calls and callee not in came_from:
                came_from[callee] = function
                queue.append(callee)


def path_to(function, came_from, names):
    """The chain of calls from a root, readable."""
    chain = []
    while function is not None:
        chain.append(names.get(function, function))
        function = came_from[function]
    return chain[::-1]


def main():
    """Exit status 0: proven; 1: a violation; 2: nothing to prove from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root", action="append", required=True, metavar="WORDS", help="words of a root's readable name"
    )
    parser.add_argument(
        "--allow", action="append", default=[], help="part of the readable name of a function not entered"
    )
    parser.add_argument("--objects", nargs="*", help="object files instead of the release build's")
    parser.add_argument("--list", action="store_true", help="print the functions reached")
    options = parser.parse_args()

    objects = options.objects or objects_of(MODULES)
    if not objects:
        print("check-hot-path: no objects; build first: swift build -c release")
        return 2
    graph = Graph()
    for path in objects:
        graph.read(path)
    graph.finish()
    names = demangle(sorted(set(graph.calls) | {callee for edges in graph.calls.values() for callee, _ in edges}))
    roots = set()
    for words in options.root:
        matching = [function for function in graph.calls if all(word in names[function] for word in words.split())]
        if not matching:
            print(f"check-hot-path: no function with the words {words!r} in its name in {len(objects)} objects")
            return 2
        roots.update(matching)
    allowed = {entry: False for entry in options.allow}
    came_from = {root: None for root in sorted(roots)}
    found = list(violations(graph, names, came_from, allowed))
    for chain, offence in found:
        print(f"{offence} is reachable:\n    " + "\n    → ".join(chain))
    stale = [entry for entry, met in allowed.items() if not met]
    for entry in stale:
        print(f"--allow {entry}: not reached any more, remove it")
    if options.list:
        print("\n".join(sorted(names[function] for function in came_from)))
    print(f"check-hot-path: {len(roots)} roots, {len(came_from)} functions reached, {len(found)} violations")
    return 1 if found or stale else 0


if __name__ == "__main__":
    sys.exit(main())
