"""`fastpathctl replay`: frames in, frames, verdicts and counters out. No privilege, no interface."""

import json
import os
import struct
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Netns"))

from scapy.utils import RawPcapReader  # noqa: E402

from testbed.daemon import PRODUCTS  # noqa: E402

# The virtual clock starts here; only differences matter to the plane.
EPOCH = 1_700_000_000


class Result:
    """What a replay wrote."""

    def __init__(self, directory, ports, words):
        self.words = words
        self.frames, self.times = {}, {}
        for port in ports:
            packets = read_pcap(os.path.join(directory, f"{port}.pcap"))
            self.frames[port] = [frame for _time, frame in packets]
            # Seconds on the clock of the input.
            self.times[port] = [time - EPOCH for time, _frame in packets]
        self.kernel_frames = [frame for _time, frame in read_pcap(os.path.join(directory, "kernel.pcap"))]
        self.kernel = read_ndjson(os.path.join(directory, "kernel.ndjson"))
        self.verdicts = read_ndjson(os.path.join(directory, "verdicts.ndjson"))
        self.events = read_ndjson(os.path.join(directory, "events.ndjson"))
        with open(os.path.join(directory, "counters.json"), encoding="utf-8") as file:
            self.counters = json.load(file)


def replay(configuration, packets, *, records=(), script=()):
    """Replays (port, seconds after the start, frame) triples. Returns the Result; an exit status but 0 is an error."""
    ports = [port["name"] for port in configuration.values["ports"]]
    with tempfile.TemporaryDirectory(prefix="fp-replay-") as directory:
        config = os.path.join(directory, "config.yaml")
        write(config, configuration.text())
        command = [os.path.join(PRODUCTS, "fastpathctl"), "replay", "--config", config]
        for option, lines in (("--load", records), ("--script", script)):
            if lines:
                path = os.path.join(directory, f"{option[2:]}.ndjson")
                write(path, "".join(json.dumps(line) + "\n" for line in lines))
                command += [option, path]
        for port in ports:
            mine = [(at, frame) for name, at, frame in packets if name == port]
            if mine:
                path = os.path.join(directory, f"in-{port}.pcap")
                write_pcap(path, mine)
                command += ["--in", f"{port}={path}"]
        out = os.path.join(directory, "out")
        os.mkdir(out)
        done = subprocess.run([*command, "--out", out], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"fastpathctl replay: exit status {done.returncode}: {done.stderr.strip()}")
        return Result(out, ports, done.stderr)


def write(path, text):
    """A whole file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_pcap(path, frames):
    """A classic pcap file, Ethernet, microseconds."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in frames:
            microseconds = round(at * 1e6)
            head = (EPOCH + microseconds // 1_000_000, microseconds % 1_000_000, len(frame), len(frame))
            file.write(struct.pack("<IIII", *head) + frame)


def read_pcap(path):
    """(seconds since 1970, frame) of each packet of a pcap file."""
    if os.path.getsize(path) == 0:
        raise AssertionError(f"{os.path.basename(path)} has not even a header")
    reader = RawPcapReader(path)
    try:
        # `usec` counts nanoseconds where the file's resolution is that.
        unit = 1e-9 if reader.nano else 1e-6
        return [(meta.sec + meta.usec * unit, bytes(data)) for data, meta in reader]
    finally:
        reader.close()


def read_ndjson(path):
    """The objects of an NDJSON file."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
