"""fastpathd in a namespace: started until it says READY=1, stopped by its pid."""

import os
import select
import signal
import socket

from .bed import ROOT
from .control import Control

PRODUCTS = os.environ.get("FASTPATH_PRODUCTS", os.path.join(ROOT, ".build", "release"))


class Daemon:
    """One running forwarding plane. `control` speaks to it."""

    def __init__(self, bed, namespace, name, configuration):
        self.bed = bed
        self.namespace = namespace
        self.name = name
        self.configuration = configuration
        self.socket_path = bed.path(f"{name}.sock")
        self.log_path = bed.path(f"{name}.log")
        self.config_path = bed.path(f"{name}.yaml")
        self.control = Control(self.socket_path)
        self.process = None

    def start(self, *, timeout=10):
        """Starts the daemon and returns when it forwards (READY=1, sd_notify's protocol)."""
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(self.configuration.text(self.socket_path))
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.bed.path(f"{self.name}.notify")
        if os.path.exists(path):
            os.unlink(path)
        notify.bind(path)
        environment = dict(os.environ, NOTIFY_SOCKET=path)
        self.process = self.bed.start(
            [os.path.join(PRODUCTS, "fastpathd"), "--config", self.config_path],
            namespace=self.namespace,
            environment=environment,
            log=self.log_path,
        )
        with notify:
            self._await_ready(notify, timeout)
        return self

    def _await_ready(self, notify, timeout):
        waited = 0.0
        while waited < timeout:
            if select.select([notify], [], [], 0.1)[0]:
                if b"READY=1" in notify.recv(4096).splitlines():
                    return
            elif self.process.poll() is not None:
                raise RuntimeError(f"{self.name}: ended with {self.process.returncode} before READY=1\n{self.log()}")
            else:
                waited += 0.1
        raise TimeoutError(f"{self.name}: no READY=1 within {timeout} s\n{self.log()}")

    def stop(self, *, timeout=4):
        """Asks the daemon to end. Returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=timeout)

    def kill(self):
        """Ends it without giving it a chance: what a crash leaves behind."""
        self.process.kill()
        self.process.wait(timeout=5)

    def log(self):
        """The last words of the daemon."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()[-4000:]
        except FileNotFoundError:
            return ""

    def conservation(self):
        """The invariant of the contract as (received, accounted): equal when every frame has exactly one fate."""
        return conservation(self.control.counters())


def conservation(counters):
    """received = transmitted + kernel + dropped + held; what the plane originates itself adds to transmitted only, and
    fragments that became one packet count as consumed but for one."""

    def total(prefix):
        return sum(value for name, value in counters.items() if name.startswith(prefix + "."))

    ended = total("kernel") + total("drop") + total("consumed") + counters.get("held", 0)
    return total("rx"), total("tx") - total("originated") + ended
