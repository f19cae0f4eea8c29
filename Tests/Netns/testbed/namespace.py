"""A network namespace and what can be done inside it."""

import contextlib
import ctypes
import os

from .command import run

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

    def ping(self, address, *, count=3, source=None, size=56, interval=0.05, wait=1):
        """How many of `count` echo requests were answered."""
        arguments = ["ping", "-q", "-c", count, "-i", interval, "-W", wait, "-s", size]
        if source:
            arguments += ["-I", source]
        done = self.run([*arguments, address], check=False, timeout=count * (interval + wait) + 15)
        for line in done.stdout.splitlines():
            if "packets transmitted" in line:
                return int(line.split(",")[1].split()[0])
        raise RuntimeError(f"ping {address} in {self.name}: {done.stdout}{done.stderr}")

    def delete(self):
        """Removes the namespace with every interface in it; one that is gone already is fine."""
        if os.path.exists(f"/run/netns/{self.name}"):
            run(["ip", "netns", "delete", self.name])
