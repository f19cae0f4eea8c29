"""Handovers of MN1 between the MAGs under a numbered stream, judged packet by packet."""

import bisect
import time

from . import records, traffic
from .addresses import HNP1, HOA1, LMAA, MAG1, MAG2

_PAUSE = 0.006


def binding(number):
    """Both of MN1's prefixes at MAG 1 or 2: one call moves them together."""
    remote = MAG1 if number == 1 else MAG2
    return [records.lma_binding(prefix, remote, local=LMAA, mn="mn1@example") for prefix in (HNP1, f"{HOA1}/32")]


def run(domain, control, address, *, count, rate):
    """Moves MN1 `count` times while CN streams to it at `rate` packets a second.

    A packet is judged when its whole life lies between an acknowledgement and the next request: it must arrive on the
    leg of the MAG that was acknowledged. One under way while a handover is asked for may take either. Returns the
    counts.
    """
    legs = {number: _index(domain.mn1, f"leg{number}") for number in (1, 2)}
    stream = traffic.Stream(domain, domain.cn, domain.mn1, address, rate=rate, seconds=600)
    time.sleep(0.2)
    # The stream starts on MAG1; (acknowledged, next request, leg) are the periods in which a packet has one right leg.
    periods = []
    control.set(*binding(1))
    acknowledged = time.monotonic_ns()
    for step in range(count):
        time.sleep(_PAUSE)
        target = 2 if step % 2 == 0 else 1
        periods.append((acknowledged, time.monotonic_ns(), legs[3 - target]))
        control.set(*binding(target))
        acknowledged = time.monotonic_ns()
    time.sleep(_PAUSE)
    periods.append((acknowledged, time.monotonic_ns(), legs[1 if count % 2 == 0 else 2]))
    result = stream.finish(stop=True)
    arrived = stream.records()
    result.update(traffic.order(arrived, result["sent"]))
    result["judged"], result["misdirected"] = judge(arrived, periods)
    result["pps"] = result["sent"] / result["send_seconds"]
    result["handovers"] = count
    return result


def judge(arrived, periods):
    """(packets with one right leg, those of them that arrived on another)."""
    starts = [start for start, _end, _leg in periods]
    judged = misdirected = 0
    for _sequence, sent, received, interface, _length in arrived:
        index = bisect.bisect_right(starts, sent) - 1
        if index < 0 or received >= periods[index][1]:
            continue
        judged += 1
        misdirected += interface != periods[index][2]
    return judged, misdirected


def _index(namespace, interface):
    return int(namespace.run(["cat", f"/sys/class/net/{interface}/ifindex"]).stdout)
