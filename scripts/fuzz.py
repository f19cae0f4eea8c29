#!/usr/bin/python3
"""Fuzzes the decoders with libFuzzer: what a hostile client sends, also in pieces, what a hostile daemon sends, what
people write.

Usage: scripts/fuzz.py [--build] [--seconds N] [--seed N] [--keep] [requests|replies|records|frames …]

Each fuzzer runs for N seconds (7 by default) from the kept corpus in Fuzz/Corpus and the golden frames, on one core.
Its invariants are in Fuzz/*/*.swift: what is decoded, encoded and decoded again is the same, nothing traps, and the
memory stays below a limit. A finding is written to .build/fuzz/ with the line that runs it again. --keep adds what
reached new code to the corpus, reduced to what is needed.
"""

import argparse
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, ".build", "fuzz")
GOLDEN = os.path.join(ROOT, "Tests", "ControlProtocolTests", "Golden")
FLAGS = ["-O", "-wmo", "-parse-as-library", "-swift-version", "6", "-strict-memory-safety", "-package-name", "fastpath",
         "-sanitize=fuzzer,address", "-I", BUILD]
# What RecordText uses of FlowTable: the rest of it takes a minute to compile.
TEXT_FILES = ("AddressScope", "AddressText", "IPAddress", "MACAddress", "Prefix")
# By name: its folder in Fuzz, its modules in the order of their dependence.
FUZZERS = {
    "requests": ("Requests", ("ControlProtocol",)),
    "replies": ("Replies", ("ControlProtocol", "FastpathClient")),
    "records": ("Records", ("ControlProtocol", "FlowTable", "RecordText")),
    "frames": ("Frames", ("ControlProtocol",)),
}
# Files of a module that has no business in a fuzzer as a whole, compiled with the fuzzer's own.
OWN_FILES = {"frames": ["Sources/ControlPlane/Server/FrameAssembler.swift"]}
# What they use of SwiftNIO: its objects are the product's, without the sanitizer.
RELEASE = os.path.join(ROOT, ".build", "release")
NIO = ("NIOCore", "NIOConcurrencyHelpers", "_NIOBase64", "_NIODataStructures", "CNIOLinux", "CNIOAtomics", "CNIODarwin",
       "CNIOWindows", "CNIOOpenBSD", "CNIOFreeBSD", "CNIOWASI", "Atomics", "_AtomicsShims", "DequeModule",
       "InternalCollectionsUtilities", "ContainersPreview")
NIO_MAPS = [".build/checkouts/swift-atomics/Sources/_AtomicsShims/include/module.modulemap",
            *(f".build/release/{name}.build/module.modulemap" for name in NIO if name.startswith("CNIO"))]
# Octets before a golden frame: where the replies' stream is cut in two; how long the pieces of the requests' are.
PRELUDES = {"replies": b"\x07", "frames": bytes([0, 7, 23, 99, 1, 24, 255])}
# Pieces and transactions go over several frames.
CONVERSATION = ("hello-request", "txn-begin", "upsert-lma", "upsert-mixed", "txn-commit", "upsert-mag", "ping-request")
LONGEST_INPUT = 4096
MOST_MEMORY = 1024  # MiB; what a fuzzer itself needs is half of it
SECONDS_FOR_ONE = 5


def compile_module(name, files, is_library=True, flags=()):
    """One module's object, unless it is newer than its sources."""
    target = os.path.join(BUILD, f"{name}.o")
    inputs = [*files, os.path.abspath(__file__)]
    if os.path.exists(target) and all(os.path.getmtime(path) < os.path.getmtime(target) for path in inputs):
        return target
    emit = ["-emit-module", "-emit-module-path", os.path.join(BUILD, f"{name}.swiftmodule")] if is_library else []
    subprocess.run(["swiftc", "-c", *FLAGS, *flags, "-module-name", name, *emit, *files, "-o", target], check=True,
                   cwd=BUILD)
    return target


def sources(module):
    """The Swift files of a module."""
    folder = os.path.join(ROOT, "Sources", module)
    names = [f"{name}.swift" for name in TEXT_FILES] if module == "FlowTable" else sorted(os.listdir(folder))
    return [os.path.join(folder, name) for name in names if name.endswith(".swift")]


def build(names):
    """All fuzzers' programs."""
    os.makedirs(BUILD, exist_ok=True)
    objects = {}
    for name in names:
        folder, modules = FUZZERS[name]
        for module in modules:
            if module not in objects:
                objects[module] = compile_module(module, sources(module))
        directory = os.path.join(ROOT, "Fuzz", folder)
        files = [os.path.join(directory, file) for file in sorted(os.listdir(directory))]
        files += [os.path.join(ROOT, file) for file in OWN_FILES.get(name, [])]
        flags, foreign = nio() if name in OWN_FILES else ([], [])
        own = compile_module(name, files, False, flags)
        program = os.path.join(BUILD, name + "-fuzzer")
        link = ["swiftc", "-sanitize=fuzzer,address", "-o", program, own, *(objects[module] for module in modules),
                *foreign]
        # The linker has a warning for each of the sanitizer's local symbols.
        linked = subprocess.run(link, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if linked.returncode != 0:
            sys.exit(linked.stdout)


def nio():
    """Flags to compile with SwiftNIO, and its objects. They are those of `make build`."""
    if not os.path.isdir(os.path.join(RELEASE, "NIOCore.build")):
        subprocess.run(["swift", "build", "-c", "release", "--product", "fastpathd"], check=True, cwd=ROOT)
    maps = [os.path.join(ROOT, path) for path in NIO_MAPS]
    flags = ["-I", os.path.join(RELEASE, "Modules")]
    for path in filter(os.path.exists, maps):
        flags += ["-Xcc", f"-fmodule-map-file={path}"]
    objects = [path for name in NIO
               for path in sorted(glob.glob(os.path.join(RELEASE, f"{name}.build", "**", "*.o"), recursive=True))]
    return flags, objects


def seed_corpus(name):
    """The golden frames as files; those of the other direction are inputs too, and refused."""
    directory = os.path.join(BUILD, name + "-golden")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    for file in sorted(os.listdir(GOLDEN)):
        if not file.endswith(".hex") or name == "records":
            continue
        octets = golden_octets(file[:-4])
        with open(os.path.join(directory, file[:-4]), "wb") as target:
            target.write(PRELUDES.get(name, b"") + octets)
    if name == "frames":
        with open(os.path.join(directory, "conversation"), "wb") as target:
            target.write(PRELUDES[name] + b"".join(golden_octets(one) for one in CONVERSATION))
    return directory


def golden_octets(name):
    """Of one golden frame."""
    with open(os.path.join(GOLDEN, name + ".hex"), encoding="utf-8") as text:
        return bytes.fromhex(text.read())


def run(name, seconds, seed, keep):
    """One fuzzer; its last words, and whether it found nothing."""
    kept = os.path.join(ROOT, "Fuzz", "Corpus", name)
    os.makedirs(kept, exist_ok=True)
    found = os.path.join(BUILD, name + "-found")
    shutil.rmtree(found, ignore_errors=True)
    os.makedirs(found)
    golden = seed_corpus(name)
    program = os.path.join(BUILD, name + "-fuzzer")
    artifacts = os.path.join(BUILD, name + "-")
    command = [program, f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST_INPUT}",
               f"-rss_limit_mb={MOST_MEMORY}", f"-timeout={SECONDS_FOR_ONE}", f"-artifact_prefix={artifacts}",
               f"-dict={os.path.join(ROOT, 'Fuzz', 'records.dict')}" if name == "records" else "-print_final_stats=0"]
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=0"}
    done = subprocess.run([*command, found, kept, golden], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds + 120, check=False)
    lines = done.stdout.splitlines()
    if done.returncode == 0 and keep:
        merged = os.path.join(BUILD, name + "-merged")
        shutil.rmtree(merged, ignore_errors=True)
        os.makedirs(merged)
        subprocess.run([program, "-merge=1", f"-max_len={LONGEST_INPUT}", merged, golden, kept, found], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        shutil.rmtree(kept)
        shutil.copytree(merged, kept)
    if done.returncode == 0:
        return f"{name}: {lines[-1] if lines else 'nothing was run'}", True
    again = f"run it again: {program} {artifacts}…  (seed {seed})"
    return "\n".join([f"{name}: a finding", *lines[-40:], again]), False


def main():
    """Builds and runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=7, help="for each fuzzer")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--keep", action="store_true", help="add what is new to the corpus")
    parser.add_argument("--build", action="store_true", help="only build")
    parser.add_argument("names", nargs="*", choices=[[], *FUZZERS], help="all when none is named")
    options = parser.parse_args()
    names = options.names or list(FUZZERS)
    build(names)
    if options.build:
        return 0
    print(f"seed {options.seed}", flush=True)
    is_clean = True
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for words, is_good in pool.map(lambda name: run(name, options.seconds, options.seed, options.keep), names):
            print(words, flush=True)
            is_clean = is_clean and is_good
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
