"""The kernel's own words on queues, NAPI instances, their threads and interrupts (generic netlink family netdev, Linux 6.8)."""

import socket
import struct

_NETLINK_GENERIC, _CONTROL = 16, 0x10
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_QUEUE_GET, _NAPI_GET = 10, 11
_QUEUE_FIELDS = {1: "id", 2: "ifindex", 3: "type", 4: "napi"}
_NAPI_FIELDS = {1: "ifindex", 2: "id", 3: "irq", 4: "pid"}
#: NETDEV_QUEUE_TYPE_RX
RECEIVE = 0


def queues(ifindex):
    """Receive queues of an interface of the calling thread's network namespace: {number: NAPI id or None}."""
    return {
        entry["id"]: entry.get("napi")
        for entry in _dump(_QUEUE_GET, _QUEUE_FIELDS, _attribute(2, ifindex))
        if entry.get("type") == RECEIVE
    }


def instances(ifindex):
    """NAPI instances of an interface: [{"id", and "irq" and "pid" where it has them}], in rising id."""
    return sorted(_dump(_NAPI_GET, _NAPI_FIELDS, _attribute(1, ifindex)), key=lambda entry: entry["id"])


def _dump(command, fields, attributes):
    """All answers to one request; OSError when the kernel does not have it."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as link:
        link.settimeout(5)
        name = struct.pack("=HH", 4 + 7, _FAMILY_NAME) + b"netdev\0\0"
        family = _ask(link, _CONTROL, 0, _GET_FAMILY, name, {_FAMILY_ID: "family"})[0]["family"]
        return _ask(link, family, _DUMP, command, attributes, fields)


def _ask(link, family, flags, command, attributes, fields):
    """One request and its answers."""
    payload = struct.pack("=BBH", command, 1, 0) + attributes
    link.send(struct.pack("=IHHII", 16 + len(payload), family, _REQUEST | flags, 1, 0) + payload)
    answers = []
    while True:
        data = link.recv(1 << 16)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind in (_ERROR, _DONE):
                code = struct.unpack_from("=i", data, 16)[0]
                if code < 0:
                    raise OSError(-code, "the kernel does not answer about NAPI (generic netlink family netdev)")
                return answers
            answers.append(_fields(data[20:length], fields))
            data = data[(length + 3) & ~3 :]
        if not flags:
            return answers


def _fields(octets, names):
    """The known attributes of one answer; all of them are whole numbers."""
    found = {}
    while len(octets) >= 4:
        length, kind = struct.unpack_from("=HH", octets)
        if length < 4:
            break
        if kind in names:
            found[names[kind]] = int.from_bytes(octets[4:length], "little")
        octets = octets[(length + 3) & ~3 :]
    return found


def _attribute(kind, number):
    return struct.pack("=HHI", 8, kind, number)
