"""The processes of a suite: how they are built, started, asked and ended."""

import os
import subprocess
import time

BENCHMARKS = os.path.dirname(os.path.abspath(__file__))
# What is measured has this CPU; only while a writer runs beside a reader does the writer take CPU 0.
CPU = 1


def run(command):
    """Runs a build step. A failure ends the suite, with its errors."""
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{done.stdout}{done.stderr}\nfailed: {' '.join(map(str, command))}")
    return done.stdout


TICKS = os.sysconf("SC_CLK_TCK")


class Load:
    """How busy the machine is beside the contestants, between two calls of `others`."""

    def __init__(self, processes):
        self.processes = processes
        self.last = self.taken()

    def taken(self):
        """Seconds since the epoch, then CPU seconds that all of the machine and that the contestants have used."""
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(field) for field in file.readline().split()[1:]]
        # user, nice, system, idle, iowait, irq, softirq, steal: time that the hypervisor took away counts as others'.
        machine = sum(fields[:3]) + sum(fields[5:8])
        own = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
                own += sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        return time.monotonic(), machine / TICKS, own / TICKS

    def others(self):
        """The share of one CPU that others used since the last call."""
        before, self.last = self.last, self.taken()
        elapsed, machine, own = (now - then for now, then in zip(self.last, before, strict=True))
        return max(0.0, (machine - own) / elapsed)


class Contestants:
    """The running programs. Leaving the context ends all of them, also after an error."""

    def __init__(self, chosen):
        self.processes = {}
        self.chosen = chosen

    def __enter__(self):
        try:
            for name, command in self.chosen.items():
                # One after the other: they share a CPU.
                self.processes[name] = subprocess.Popen(
                    ["taskset", "-c", str(CPU), *map(str, command)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                if self.processes[name].stdout.readline() != "ready\n":
                    raise RuntimeError(f"{name} did not start; its reason is above")
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Closing its input ends a program; one that does not end is killed."""
        for process in self.processes.values():
            process.stdin.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, name, measurement):
        """The answer of one contestant, as text."""
        process = self.processes[name]
        process.stdin.write(f"{measurement}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} ended at {measurement}; its reason is above")
        return line.strip()
