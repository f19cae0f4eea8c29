"""A network namespace and what can be done inside it."""

import contextlib
import ctypes
import json
import os

from .command import run
from .echo import Echo

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Namespace:
    """One `ip netns` namespace. The Bed that made it deletes it."""

    def __init__(self, name):
        self.name = name
        run(["ip", "netns", "add", name])
        # Addresses are usable at once and nothing talks by itself: tests count packets.
        self.sysctl(
            {
                "net.ipv6.conf.default.accept_dad": 0,
                "net.ipv6.conf.default.dad_transmits": 0,
                "net.ipv6.conf.default.router_solicitations": 0,
                "net.ipv6.conf.default.accept_ra": 0,
                "net.ipv6.conf.all.accept_ra": 0,
                "net.ipv4.conf.all.rp_filter": 0,
                "net.ipv4.conf.default.rp_filter": 0,
                # Loss and handover tests ping fast on purpose; the kernel's own limit is not what is tested.
                "net.ipv6.icmp.ratelimit": 0,
                "net.ipv4.icmp_ratelimit": 0,
            }
        )
        self.ip("link set lo up")

    def sysctl(self, values):
        """Sets kernel parameters of this namespace; one that the kernel does not have is an error."""
        # /proc/sys/net shows the namespace of the thread that opens the file.
        with self.entered():
            for key, value in values.items():
                with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))

    def ip(self, *lines, family=None):
        """Runs `ip` commands in this namespace, all in one batch; `family` 4 or 6 where the words do not show it."""
        chosen = [f"-{family}"] if family else []
        run(["ip", *chosen, "-n", self.name, "-batch", "-"], text="\n".join(lines) + "\n")

    def command(self, arguments):
        """Arguments that run a program inside; `ip netns exec` replaces itself, so the pid is the program's."""
        return ["ip", "netns", "exec", self.name, *[str(argument) for argument in arguments]]

    def run(self, arguments, **options):
        """Runs a program inside to its end."""
        return run(self.command(arguments), **options)

    @contextlib.contextmanager
    def entered(self):
        """Moves the calling thread inside for the duration; sockets opened there stay there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        inside = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._switch(inside)
            try:
                yield self
            finally:
                self._switch(home)
        finally:
            os.close(inside)
            os.close(home)

    @staticmethod
    def _switch(descriptor):
        if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")

    def is_ready(self, interface):
        """Whether an interface runs and can ask for its neighbours, which it does from a link-local address.

        The kernel takes up to a second after the carrier has come (net/core/link_watch.c, events that are not urgent).
        Until then the interface has no such address, a neighbour solicitation is not sent at all, and the next one is
        due a second later. Asking for this one interface makes it take notice at once (rtnl_getlink).
        """
        link = json.loads(run(["ip", "-j", "-n", self.name, "link", "show", "dev", interface]).stdout)[0]
        if link["operstate"] != "UP":
            return False
        with self.entered(), open(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6", encoding="ascii") as file:
            if file.read().strip() == "1":
                return True
        show = ["ip", "-j", "-6", "-n", self.name, "addr", "show", "dev", interface, "scope", "link", "-tentative"]
        # The filter leaves empty objects of what does not match it.
        return any(one.get("addr_info") for one in json.loads(run(show).stdout))

    def ping(self, address, *, count=3, source=None, size=56, interval=0.05, wait=2):
        """How many of `count` echo requests were answered, the last one `wait` seconds after it was sent."""
        with self.entered():
            echo = Echo(address, source)
        with echo:
            return echo.answered(count, size, interval, wait)

    def delete(self):
        """Removes the namespace with every interface in it; one that is gone already is fine."""
        if os.path.exists(f"/run/netns/{self.name}"):
            run(["ip", "netns", "delete", self.name])
