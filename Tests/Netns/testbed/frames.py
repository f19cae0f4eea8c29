"""Raw frames on one interface: sent as they are, received as they arrive."""

import select
import socket
import struct
import time

_ETH_P_ALL = 3
_PACKET_OUTGOING = 4
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_SO_RCVBUFFORCE = 33


class RawPort:
    """An AF_PACKET socket on one interface of a namespace. Close it, or use it as a context manager."""

    def __init__(self, namespace, interface):
        with namespace.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        # The kernel takes an outer VLAN tag out of the bytes; with this it tells us, and receive() puts it back.
        self.socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self.socket.bind((interface, _ETH_P_ALL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the socket."""
        self.socket.close()

    def send(self, frame):
        """Sends one frame, Ethernet header included."""
        self.socket.send(bytes(frame))

    def receive(self, *, timeout=0.5, count=None, accept=None):
        """Frames that arrived from outside, in order: until `count` accepted ones or `timeout` s of silence."""
        frames = []
        while count is None or len(frames) < count:
            if not select.select([self.socket], [], [], timeout)[0]:
                break
            data, control, _flags, address = self.socket.recvmsg(65536, 256)
            if address[2] == _PACKET_OUTGOING:
                continue
            data = _with_tag(data, control)
            if accept is None or accept(data):
                frames.append(data)
        return frames

    def drain(self):
        """Forgets what has arrived so far."""
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline and select.select([self.socket], [], [], 0.02)[0]:
            self.socket.recv(65536)


def _with_tag(data, control):
    for level, kind, value in control:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA and len(value) >= 20:
            status, _length, _snap, _mac, _net, tag, protocol = struct.unpack("=IIIHHHH", value[:20])
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                ethertype = protocol if status & 0x40 else 0x8100
                return data[:12] + struct.pack("!HH", ethertype, tag) + data[12:]
    return data


def is_tunnel(frame):
    """Whether a frame is IPv6 directly carrying IPv6 or IPv4."""
    return len(frame) >= 54 and frame[12:14] == b"\x86\xdd" and frame[20] in (4, 41)


def outer_addresses(frame):
    """(source, destination) of the IPv6 header right behind the Ethernet header, as text."""
    return socket.inet_ntop(socket.AF_INET6, frame[22:38]), socket.inet_ntop(socket.AF_INET6, frame[38:54])
