#!/usr/bin/python3
"""Shows where the receive path of an interface's queues runs, and moves it.

Usage: scripts/place-queues.py [--threaded on|off] [--receive CPU,…] [--defer on|off] [--apply] INTERFACE …

  --threaded on     a kernel thread for each queue polls the device, instead of whichever CPU took its interrupt
  --receive 2,3     queue 0's receive path (its interrupt, and its thread where it is threaded) runs on CPU 2, queue 1's on
                    CPU 3, queue 2's on CPU 2 again, …
  --defer on        while a program polls a queue by itself (SO_PREFER_BUSY_POLL), its interrupts stay off
  --apply           does it (root); without it the commands are printed, and nothing changes

Prints a shell script: what is there as comments, and the commands; with --apply also those that undo them. Nothing of it
outlives a reboot, or the daemon's next start on interfaces that have NAPI only with a program (veth). docs/OPERATIONS.md,
"CPUs", says which placement suits which machine.
"""

import argparse
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import netdev  # noqa: E402  (beside this file)

#: Empty polls before an interrupt is asked for again, and the time in ns after which the kernel polls by itself: a worker
#: that lives polls far more often, and one that is stuck holds up what the kernel gets from this interface no longer.
DEFERRED = {"napi_defer_hard_irqs": 2, "gro_flush_timeout": 200000}
#: The queue's number in the names that drivers give their interrupts: ens1f0-TxRx-0, ice-ens1f0-TxRx-0, ens5-Tx-Rx-0,
#: mlx5_comp0@pci:…, virtio0-input.0; not those of transmission or management.
QUEUE_NAME = re.compile(r"(?:tx-?rx|rx-?tx|rx|comp|input)[-.]?(\d+)", re.IGNORECASE)


class Failure(Exception):
    """What is wrong, and what to do."""


class Interface:
    """One interface of the calling network namespace."""

    def __init__(self, name):
        self.name = name
        self.folder = f"/sys/class/net/{name}"
        try:
            self.index = socket.if_nametoindex(name)
        except OSError as error:
            raise Failure(f"there is no interface {name} here; `ip link` lists them") from error

    def setting(self, key):
        """One of the interface's files, or None where the kernel has it not."""
        try:
            return read(f"{self.folder}/{key}")
        except OSError:
            return None

    def queues(self):
        """[(queue, NAPI id or None, thread or None, interrupt or None)]"""
        try:
            told, instances = netdev.queues(self.index), netdev.instances(self.index)
        except OSError:
            told, instances = {}, []
        by_id = {instance["id"]: instance for instance in instances}
        named = self.named_interrupts()
        numbers = sorted(int(name[3:]) for name in os.listdir(f"{self.folder}/queues") if name.startswith("rx-"))
        found = []
        for place, queue in enumerate(numbers):
            identity = told.get(queue)
            if identity is None and place < len(instances):
                # Drivers that do not say it add their instances queue by queue, and ids rise.
                identity = instances[place]["id"]
            instance = by_id.get(identity, {})
            found.append((queue, identity, instance.get("pid"), instance.get("irq", named.get(queue))))
        return found

    def named_interrupts(self):
        """{queue: interrupt} by the names in /proc/interrupts, of the interrupts that the device has."""
        try:
            own = set(os.listdir(f"{self.folder}/device/msi_irqs"))
        except OSError:
            return {}
        found = {}
        with open("/proc/interrupts", encoding="ascii", errors="replace") as file:
            for line in file:
                words = line.split()
                queue = queue_of(words[-1]) if len(words) > 1 else None
                if queue is not None and words[0].rstrip(":") in own:
                    found.setdefault(queue, int(words[0].rstrip(":")))
        return found


def queue_of(name):
    """The receive queue that an interrupt of this name serves, or None."""
    match = QUEUE_NAME.search(name)
    return int(match.group(1)) if match else None


def read(path):
    """A file's one line."""
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def cpu_list(text):
    """The CPUs of "0-2,5"."""
    cpus = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return cpus


def describe(interface):
    """What is there, as comments."""
    facts = ", ".join(f"{key} {interface.setting(key) or '–'}" for key in ("threaded", *DEFERRED))
    yield f"# {interface.name}: {facts}"
    for queue, identity, thread, interrupt in interface.queues():
        words = [f"NAPI {identity}" if identity is not None else "no NAPI"]
        if thread:
            words.append(f"thread {thread} on CPU {','.join(map(str, sorted(os.sched_getaffinity(thread))))}")
        if interrupt is not None:
            words.append(f"interrupt {interrupt} on CPU {read(f'/proc/irq/{interrupt}/smp_affinity_list')}")
        yield f"#   queue {queue}: {', '.join(words)}"


def settings(interface, options):
    """[(path, old, new)] of the interface's own settings that are to change."""
    wanted = {}
    if options.threaded:
        wanted["threaded"] = int(options.threaded == "on")
    if options.defer:
        wanted |= {key: value if options.defer == "on" else 0 for key, value in DEFERRED.items()}
    for key, value in wanted.items():
        old = interface.setting(key)
        if old is None:
            raise Failure(f"{interface.name}: this kernel has no {key}; leave the option out")
        if old != str(value):
            yield f"{interface.folder}/{key}", old, str(value)


def moves(interface, cpus):
    """[(thread or None, interrupt or None, old CPUs, new CPU)]; to be asked when the threads are there."""
    for queue, _, thread, interrupt in interface.queues():
        cpu = cpus[queue % len(cpus)]
        if thread and os.sched_getaffinity(thread) != {cpu}:
            yield thread, None, ",".join(map(str, sorted(os.sched_getaffinity(thread)))), cpu
        if interrupt is not None:
            old = read(f"/proc/irq/{interrupt}/smp_affinity_list")
            if old != str(cpu):
                yield None, interrupt, old, cpu


def set_file(path, value, apply, undo, old):
    """Prints the command that sets a file of the kernel, and runs it when it is to be applied."""
    print(f"echo {value} > {path}")
    if not apply:
        return
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError as error:
        hint = "is this root?" if isinstance(error, PermissionError) else "the driver does not let it be changed"
        if path.endswith("/threaded"):
            hint = "it has no NAPI now: a veth has one only while the daemon runs, or with `ethtool -K INTERFACE gro on`"
        raise Failure(f"{path} does not take {value} ({error.strerror}): {hint}") from error
    undo.append(f"echo {old} > {path}")


def place(interface, changes, options, undo):
    """Does it, or says what would be done, for one interface."""
    for path, old, new in changes:
        set_file(path, new, options.apply, undo, old)
    if not options.receive:
        return
    for queue, _, thread, interrupt in interface.queues():
        if not thread and interrupt is None and options.threaded != "on":
            print(f"# {interface.name} queue {queue} has neither thread nor interrupt to move: see --threaded on")
    for thread, interrupt, old, cpu in moves(interface, options.receive):
        if interrupt is not None:
            set_file(f"/proc/irq/{interrupt}/smp_affinity_list", str(cpu), options.apply, undo, old)
            continue
        print(f"taskset -pc {cpu} {thread}")
        if options.apply:
            os.sched_setaffinity(thread, {cpu})
            undo.append(f"taskset -pc {old} {thread}")
    if options.threaded == "on" and not options.apply and interface.setting("threaded") == "0":
        print(f"# then, to each queue's thread: taskset -pc CPU THREAD, CPUs {', '.join(map(str, options.receive))} in turn")


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        usage=__doc__.split("\n\n")[1].removeprefix("Usage: "), epilog=__doc__.split("\n\n", 2)[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("interfaces", nargs="+", metavar="INTERFACE")
    parser.add_argument("--threaded", choices=("on", "off"), help=argparse.SUPPRESS)
    parser.add_argument("--receive", help=argparse.SUPPRESS)
    parser.add_argument("--defer", choices=("on", "off"), help=argparse.SUPPRESS)
    parser.add_argument("--apply", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive is not None:
        online = cpu_list(read("/sys/devices/system/cpu/online"))
        if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", options.receive):
            parser.error(f"--receive {options.receive}: give CPUs with commas between them, as 2,3 or 2-5")
        options.receive = cpu_list(options.receive)
        absent = [cpu for cpu in options.receive if cpu not in online]
        if absent or not options.receive:
            parser.error(f"--receive: CPU {absent or 'list'} is not there; online are {online}")
    return options


def main():
    """Exit status 0, 1 for what is refused, 2 for a wrong command line."""
    options = parse()
    undo = []
    try:
        interfaces = [Interface(name) for name in options.interfaces]
        changes = [list(settings(interface, options)) for interface in interfaces]
        for interface in interfaces:
            print("\n".join(describe(interface)))
        for interface, wanted in zip(interfaces, changes):
            place(interface, wanted, options, undo)
    except (Failure, PermissionError) as failure:
        print(f"place-queues.py: {failure}", file=sys.stderr)
        return 1
    finally:
        if undo:
            print("# to undo it:\n" + "\n".join(f"#   {line}" for line in reversed(undo)))
    if "irqbalance" in running():
        print("# irqbalance runs and will move interrupts again: stop it, or ban these (IRQBALANCE_BANNED_CPULIST)")
    return 0


def running():
    """Names of the processes."""
    for process in os.listdir("/proc"):
        if process.isdigit():
            try:
                yield read(f"/proc/{process}/comm")
            except OSError:
                continue


if __name__ == "__main__":
    sys.exit(main())
