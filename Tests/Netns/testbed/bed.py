"""The owner of everything a test makes: namespaces, links, processes, files. What it made is gone when it closes."""

import atexit
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from .command import run
from .namespace import Namespace

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_OFFLOADS = ["tx", "rx", "sg", "tso", "gso", "gro", "rxvlan", "txvlan"]


def _die_with_the_maker():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_on_signal(number, _frame):
    # An ordinary exit runs `finally` and atexit; the default action of these signals would not.
    sys.exit(128 + number)


class Bed:
    """A set of namespaces joined by veth pairs. Use as a context manager, or close() it in tearDown.

    Every name carries the pid of the maker, so that runs do not meet and a later run can tell leftovers of a killed
    one.
    """

    _opened = 0

    def __init__(self):
        if os.geteuid() != 0:
            raise PermissionError("network namespaces need root: run this as root")
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _end_on_signal)
        Bed._opened += 1
        self.suffix = f"{os.getpid()}-{Bed._opened}"
        self.directory = tempfile.mkdtemp(prefix="fp-")
        self.namespaces = {}
        self._processes = []
        self._closers = []
        atexit.register(self.close)
        sweep_leftovers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, role):
        """Makes the namespace of a role ("cn", "lma", …)."""
        made = Namespace(f"fp-{role}-{self.suffix}")
        self.namespaces[role] = made
        return made

    def link(self, a, name_a, b, name_b, *, mtu=1500, mac_a=None, mac_b=None, queues=1):
        """Joins two namespaces by a veth pair, with the offloads off that would falsify packets. Returns when it works."""
        count = ["numrxqueues", queues, "numtxqueues", queues]
        run(
            ["ip", "link", "add", name_a, "netns", a.name, *count, "type", "veth"]
            + ["peer", "name", name_b, "netns", b.name, *count]
        )
        for namespace, name, mac in ((a, name_a, mac_a), (b, name_b, mac_b)):
            if mac:
                namespace.ip(f"link set {name} address {mac}")
            offloads = [word for offload in _OFFLOADS for word in (offload, "off")]
            # ethtool ends with 1 when some offload is fixed already; what matters is checked below.
            namespace.run(["ethtool", "-K", name, *offloads], check=False)
            state = namespace.run(["ethtool", "-k", name]).stdout
            for feature in ("tx-checksumming", "generic-segmentation-offload", "generic-receive-offload"):
                if f"\n{feature}: off" not in state:
                    raise RuntimeError(f"{name}: cannot turn {feature} off")
            namespace.ip(f"link set {name} mtu {mtu} up")
        for namespace, name in ((a, name_a), (b, name_b)):
            wait_until(lambda: namespace.is_ready(name), timeout=10, what=f"{name} in {namespace.name}")

    def path(self, name):
        """A file in this bed's directory."""
        return os.path.join(self.directory, name)

    def start(self, arguments, *, namespace=None, environment=None, log=None, **options):
        """Starts a program that is ended, by its pid, when the bed closes; it does not outlive its maker."""
        if namespace is not None:
            arguments = namespace.command(arguments)
        arguments = [str(argument) for argument in arguments]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("preexec_fn", _die_with_the_maker)
        if log is not None:
            with open(log, "ab") as file:
                options.update(stdout=file, stderr=file)
                process = subprocess.Popen(arguments, env=environment, **options)
        else:
            process = subprocess.Popen(arguments, env=environment, **options)
        self._processes.append(process)
        return process

    def on_close(self, action):
        """Runs an action when the bed closes, last registered first."""
        self._closers.append(action)

    def close(self):
        """Ends what was started and removes what was made; safe to call twice, and goes on when a step fails."""
        atexit.unregister(self.close)
        failures = []
        while self._closers:
            _try(self._closers.pop(), failures)
        for process in reversed(self._processes):
            _try(lambda process=process: _end(process), failures)
        self._processes.clear()
        for namespace in self.namespaces.values():
            _try(namespace.delete, failures)
        self.namespaces.clear()
        if os.environ.get("FASTPATH_KEEP"):
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        if failures:
            raise RuntimeError("teardown: " + "; ".join(failures))


def _try(action, failures):
    try:
        action()
    except Exception as error:  # the other steps of the teardown must still run
        failures.append(str(error))


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def sweep_leftovers():
    """Deletes namespaces of earlier runs whose maker is no longer alive (it was killed before it could clean up)."""
    if not os.path.isdir("/run/netns"):
        return
    for name in os.listdir("/run/netns"):
        match = re.fullmatch(r"fp-[a-z0-9]+-(\d+)-\d+", name)
        if match and not os.path.exists(f"/proc/{match.group(1)}"):
            run(["ip", "netns", "delete", name], check=False)


def wait_until(condition, *, timeout, what):
    """Polls until the condition holds; fails with the name of what was awaited."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.02)
