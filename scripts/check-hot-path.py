#!/usr/bin/python3
"""Shows that nothing a worker does per packet allocates, retains, releases or asks the runtime.

Usage: scripts/check-hot-path.py --root WORD [--root WORD …] [--allow SYMBOL …] [--objects DIR …]

Disassembles the release objects of the hot modules (one object file per module: whole-module optimisation), starts from
every function whose demangled name contains all the --root words, follows direct calls and jumps inside the modules,
and fails with the path when a forbidden function of the runtime is reachable, when a call through a register is (a
witness or a closure: dynamic dispatch), or when no root was found (then it would prove nothing). An `--allow` entry
names a demangled function that is not entered: what a turn does on request, never per packet. It must be reached, or it
is reported as stale.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULES = ("FastPath", "FlowTable", "CXdp")
FORBIDDEN = re.compile(
    r"^(swift_(retain|release|bridgeObject\w*|unknownObject\w*|nonatomic_\w+|allocObject|deallocClassInstance|slowAlloc"
    r"|slowDealloc|initStackObject|beginAccess|dynamicCast\w*|getWitnessTable|getAssociated\w+|getGenericMetadata\w*"
    r"|getTypeByMangledName\w*|conformsToProtocol\w*|getExistential\w*|allocBox|projectBox|once|makeBoxUnique|weak\w+"
    r"|task_\w+"
    r"|isUniquelyReferenced\w*|allocError|willThrow\w*|arrayInitWithCopy|arrayDestroy|getOpaqueTypeConformance\w*)"
    r"|malloc|calloc|realloc|free|posix_memalign|aligned_alloc|pthread_mutex_\w+|pthread_cond_\w+"
    r"|printf|fprintf|snprintf)$"
)
_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_RELOCATION = re.compile(r"^\s*[0-9a-f]+:\s+R_X86_64_(\w+)\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$")
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


def read_calls(path, calls):
    """Adds caller → [(callee, how)] of one object; direct targets come from relocations or from the same section."""
    text = subprocess.run(
        [tool("objdump"), "-d", "-r", "--no-show-raw-insn", path], capture_output=True, text=True, check=True
    ).stdout
    function, pending = None, None
    for line in text.splitlines():
        match = _FUNCTION.match(line)
        if match:
            function, pending = match.group(2), None
            calls.setdefault(function, [])
            continue
        match = _RELOCATION.match(line)
        if match:
            # A relocation on the branch itself names its target, also for a call through the GOT: call
            # *symbol@GOTPCREL(%rip).
            if pending is not None and match.group(1) in ("PLT32", "PC32", "GOTPCRELX", "REX_GOTPCRELX", "GOTPCREL"):
                calls[function].append((match.group(2), "call"))
                pending = None
            continue
        match = _INSTRUCTION.match(line)
        if not match or function is None:
            continue
        if pending is not None:
            settle(calls[function], function, pending)
            pending = None
        mnemonic, operands = match.group(2), match.group(3)
        if mnemonic.startswith(("call", "jmp")) or re.match(r"j[a-z]+$", mnemonic):
            pending = (mnemonic, operands)
    if pending is not None:
        settle(calls[function], function, pending)


def settle(edges, function, branch):
    """A branch without relocation: into this section (named by the disassembler), or through a register or memory."""
    mnemonic, operands = branch
    target = _TARGET.search(operands)
    if operands.startswith("*"):
        # An indirect jump is a switch's jump table; an indirect call is dynamic dispatch.
        if mnemonic.startswith("call"):
            edges.append((operands, "indirect"))
    elif target and target.group(1) != function and not target.group(1).startswith(".text"):
        edges.append((target.group(1), "call"))


def demangle(symbols):
    """Mangled → readable names."""
    done = subprocess.run(
        ["swift", "demangle", "--simplified"], input="\n".join(symbols), capture_output=True, text=True, check=True
    )
    return dict(zip(symbols, done.stdout.splitlines(), strict=True))


def violations(calls, names, roots, allowed):
    """Walks from the roots. Yields (path, offence); records which allowed functions were met in `allowed`."""
    came_from = {root: None for root in roots}
    queue = list(roots)
    reported = set()
    while queue:
        function = queue.pop()
        for callee, how in calls.get(function, ()):
            readable = names.get(callee, callee)
            barrier = next((entry for entry in allowed if entry in readable), None)
            if barrier is not None:
                allowed[barrier] = True
                continue
            if how == "indirect" or FORBIDDEN.match(callee):
                if (function, callee) in reported:
                    continue
                reported.add((function, callee))
                yield path_to(function, came_from, names), ("call through " if how == "indirect" else "") + callee
            elif callee in calls and callee not in came_from:
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
    parser.add_argument("--root", action="append", required=True, help="words that a root's readable name contains")
    parser.add_argument(
        "--allow", action="append", default=[], help="part of the readable name of a function not entered"
    )
    parser.add_argument("--objects", nargs="*", help="object files instead of the release build's")
    options = parser.parse_args()

    objects = options.objects or objects_of(MODULES)
    if not objects:
        print("check-hot-path: no objects; build first: swift build -c release")
        return 2
    calls = {}
    for path in objects:
        read_calls(path, calls)
    names = demangle(sorted(set(calls) | {callee for edges in calls.values() for callee, _ in edges}))
    roots = [function for function in calls if all(word in names[function] for word in options.root)]
    if not roots:
        print(f"check-hot-path: no function with {' and '.join(options.root)} in its name in {len(objects)} objects")
        return 2
    allowed = {entry: False for entry in options.allow}
    found = list(violations(calls, names, roots, allowed))
    for chain, offence in found:
        print(f"{offence} is reachable:\n    " + "\n    → ".join(chain))
    stale = [entry for entry, met in allowed.items() if not met]
    for entry in stale:
        print(f"--allow {entry}: not reached any more, remove it")
    print(f"check-hot-path: {len(roots)} roots, {len(found)} violations")
    return 1 if found or stale else 0


if __name__ == "__main__":
    sys.exit(main())
