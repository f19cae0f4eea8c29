"""Writers of the daemon's YAML files. JSON is YAML, so values are written as JSON and need no YAML library."""

import json

from .addresses import LMA_ROUTER4, LMAA, LMAA2, MAG1, MAG2, POOLS


class Configuration:
    """A configuration file as a dictionary; `text` renders it with the control socket of one run."""

    def __init__(self, **values):
        self.values = values

    def with_(self, **changes):
        """A copy with keys replaced (underscores stand for hyphens); None removes a key."""
        values = dict(self.values)
        for key, value in changes.items():
            key = key.replace("_", "-")
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
        return Configuration(**values)

    def text(self, socket_path="/run/fastpath/fastpathd.sock"):
        """The file."""
        values = {"role": self.values["role"], "control": {"socket": socket_path}, **self.values}
        return "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())


def port(name, kind, *, interface=None, **more):
    """One entry of `ports`."""
    return {"name": name, "interface": interface or name, "kind": kind, **more}


def lma(**changes):
    """The LMA of the reference domain, its interfaces named like its ports."""
    values = {
        "role": "lma",
        "router-addresses": [LMAA, LMA_ROUTER4],
        "local-addresses": [LMAA, LMAA2],
        "pools": POOLS,
        "ports": [port("core", "core"), port("transport1", "transport"), port("transport2", "transport")],
    }
    return Configuration(**values).with_(**changes)


def mag(number, **changes):
    """MAG 1 or 2 of the reference domain."""
    address = {1: MAG1, 2: MAG2}[number]
    values = {
        "role": "mag",
        "router-addresses": [address],
        "local-addresses": [address],
        "ports": [port("transport", "transport"), port("access", "access")],
    }
    return Configuration(**values).with_(**changes)
