"""Traffic with a result that can be checked: payload echo over UDP and TCP, numbered streams, iperf3."""

import array
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

from .bed import ROOT
from .command import run

_SOURCES = os.path.join(ROOT, "Tests", "Netns", "traffic")
_BUILT = os.path.join(ROOT, ".build", "traffic")


def program(name):
    """The path of a C program of Tests/Netns/traffic, compiled when its source is newer."""
    source, built = os.path.join(_SOURCES, f"{name}.c"), os.path.join(_BUILT, name)
    newest = max(os.path.getmtime(source), os.path.getmtime(os.path.join(_SOURCES, "stream.h")))
    if not os.path.exists(built) or os.path.getmtime(built) < newest:
        os.makedirs(_BUILT, exist_ok=True)
        run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", f"{built}.{os.getpid()}", source])
        os.replace(f"{built}.{os.getpid()}", built)
    return built


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def udp_exchange(client, server, address, *, source=None, sizes=(1, 64, 512, 1200, 1400), port=7007, seed=1):
    """Sends random datagrams that the server must return unchanged. Returns (sent, returned with the right bytes)."""
    rng = random.Random(seed)
    with server.entered():
        listening = socket.socket(_family(address), socket.SOCK_DGRAM)
    with client.entered():
        asking = socket.socket(_family(address), socket.SOCK_DGRAM)
    with listening, asking:
        listening.bind((address, port))
        listening.settimeout(2)
        asking.settimeout(2)
        if source:
            asking.bind((source, 0))
        right = 0
        for size in sizes:
            payload = rng.randbytes(size)
            asking.sendto(payload, (address, port))
            try:
                received, peer = listening.recvfrom(65536)
                listening.sendto(received, peer)
                right += received == payload and asking.recv(65536) == payload
            except TimeoutError:
                continue
        return len(sizes), right


def tcp_exchange(client, server, address, *, source=None, octets=1 << 20, port=7008, seed=1, timeout=20):
    """Sends random octets both ways over one connection. Returns whether both ends received exactly what was sent."""
    data = random.Random(seed).randbytes(octets)
    digest = hashlib.sha256(data).digest()
    with server.entered():
        listening = socket.socket(_family(address), socket.SOCK_STREAM)
    with client.entered():
        asking = socket.socket(_family(address), socket.SOCK_STREAM)
    result = []

    def serve():
        try:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(timeout)
                result.append(_receive(connection, octets))
                connection.sendall(data)
        except OSError as error:
            result.append(repr(error).encode())

    with listening, asking:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.settimeout(timeout)
        asking.settimeout(timeout)
        listening.bind((address, port))
        listening.listen(1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            if source:
                asking.bind((source, 0))
            asking.connect((address, port))
            asking.sendall(data)
            back = _receive(asking, octets)
        except OSError:
            return False
        thread.join(timeout)
    return result == [digest] and back == digest


def _receive(connection, octets):
    digest = hashlib.sha256()
    while octets > 0:
        part = connection.recv(min(65536, octets))
        if not part:
            break
        digest.update(part)
        octets -= len(part)
    return digest.digest()


class Stream:
    """A numbered UDP stream between two namespaces, with a record of every datagram that arrived."""

    def __init__(self, bed, sender, receiver, address, *, rate, seconds, size=64, port=7009, log=True, cpu=None):
        """`cpu`: where the sender runs, for a sending interface whose queues go by CPU."""
        self.log_path = bed.path(f"stream-{port}.bin") if log else "-"
        self._receive = bed.start(
            [program("stream_receive"), address, port, self.log_path],
            namespace=receiver,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._receive.stdout.readline() != "ready\n":
            raise RuntimeError(f"stream_receive could not listen on {address}")
        self._send = bed.start(
            ([] if cpu is None else ["taskset", "-c", cpu])
            + [program("stream_send"), address, port, rate, seconds, size],
            namespace=sender,
            stdout=subprocess.PIPE,
            text=True,
        )

    def running(self):
        """Whether the sender still sends."""
        return self._send.poll() is None

    def finish(self, *, stop=False, settle=0.5):
        """Waits for (or stops) the sender, lets what is under way arrive. Returns what was sent and what came."""
        if stop and self.running():
            self._send.send_signal(signal.SIGTERM)
        sent = json.loads(self._send.communicate(timeout=300)[0])
        time.sleep(settle)
        self._receive.send_signal(signal.SIGTERM)
        received = json.loads(self._receive.communicate(timeout=60)[0])
        return {**received, "sent": sent["sent"], "send_seconds": sent["seconds"]}

    def records(self):
        """Every datagram as (sequence, sent ns, received ns, interface index, length), in order of arrival."""
        values = array.array("Q")
        with open(self.log_path, "rb") as file:
            values.frombytes(file.read())
        return [
            (values[i], values[i + 1], values[i + 2], values[i + 3] & 0xFFFFFFFF, values[i + 3] >> 32)
            for i in range(0, len(values), 4)
        ]


def order(records, sent):
    """Lost, duplicated and reordered datagrams of a stream of `sent`."""
    seen = bytearray(sent)
    highest, duplicated, reordered = -1, 0, 0
    for sequence, *_ in records:
        if seen[sequence]:
            duplicated += 1
            continue
        seen[sequence] = 1
        if sequence < highest:
            reordered += 1
        highest = max(highest, sequence)
    return {"lost": seen.count(0), "duplicated": duplicated, "reordered": reordered}


def iperf(bed, client, server, address, *, source=None, udp=False, seconds=2, rate="20M", size=1200, reverse=False):
    """One iperf3 run. Returns its result object: Mbit/s received, and for UDP the lost and sent datagrams."""
    port = 5201
    listening = bed.start(
        ["iperf3", "-s", "-1", "-p", port, "-B", address],
        namespace=server,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    arguments = ["iperf3", "-J", "-c", address, "-p", port, "-t", seconds]
    if source:
        arguments += ["-B", source]
    if udp:
        arguments += ["-u", "-b", rate, "-l", size]
    if reverse:
        arguments += ["-R"]
    try:
        for _attempt in range(20):
            done = client.run(arguments, check=False, timeout=seconds + 30)
            report = json.loads(done.stdout)
            if "refused" not in report.get("error", ""):
                break
            time.sleep(0.05)  # the server is not listening yet
    finally:
        if listening.poll() is None:
            listening.terminate()
        listening.wait(timeout=5)
    if "error" in report:
        raise RuntimeError(f"iperf3 to {address}: {report['error']}")
    if udp:
        total = report["end"]["sum"]
        return {
            "mbps": total["bits_per_second"] * (1 - total["lost_percent"] / 100) / 1e6,
            "lost": total["lost_packets"],
            "sent": total["packets"],
        }
    return {"mbps": report["end"]["sum_received"]["bits_per_second"] / 1e6}
