"""The checks of `make demo` that move mobile nodes: fast handovers, localized routes, and who may not use them."""

import time

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from testbed import RawPort, mobility, traffic
from testbed.addresses import CN, HOA1, MAG1, MAG2, MN1, MN2
from testbed.bed import wait_until

RATE = 1000


def stream(planes, address, port, *, uplink=False):
    """A numbered stream between CN and MN1."""
    ends = (planes.domain.cn, planes.domain.mn1)
    return traffic.Stream(
        planes.domain, *(ends[::-1] if uplink else ends), CN if uplink else address, rate=RATE, seconds=60, port=port
    )


def move(planes, kind, origin, streams, away=0.2):
    """One fast handover of MN1 under streams. Returns the movement and (arrived, counts) of each stream."""
    time.sleep(0.3)
    mags = {1: planes.mag1, 2: planes.mag2}
    movement = mobility.Movement(planes.domain, planes.lma, mags, origin)
    getattr(movement, kind)(away)
    time.sleep(0.3)
    results = []
    for one in streams:
        result = one.finish(stop=True)
        arrived = one.records()
        result.update(traffic.order(arrived, result["sent"]))
        # While the LMA changes its mind the short way may overtake the long one: that is the network's.
        windows = [movement.times[name] for name in ("registered", "attached", "redirecting")]
        result["overtaken"] = mobility.outside(arrived, windows)
        results.append((arrived, result))
    return movement, results


def counts(result):
    """The figures of a row."""
    return f"{result['lost']} / {result['duplicated']} / {result['overtaken']} of {result['sent']}"


def predictive(planes, row):
    """Predictive handover of MN1 from MAG1 to MAG2 with buffering."""
    streams = [stream(planes, MN1, 7009), stream(planes, HOA1, 7010)]
    movement, results = move(planes, "predictive", 1, streams)
    for family, (arrived, result) in zip(("IPv6", "IPv4"), results, strict=True):
        clean = (result["lost"], result["duplicated"], result["overtaken"]) == (0, 0, 0)
        row(
            f"predictive handover, {family}: lost / duplicated / reordered",
            "0 / 0 / 0",
            counts(result),
            clean and result["overflow"] == 0,
        )
        gone, back = movement.times["redirecting"][1], movement.times["released"][0]
        held = [record for record in arrived if gone < record[1] < back]
        late = sum(record[2] < back for record in held)
        row(
            f"predictive handover, {family}: sent while MN1 was away",
            "all held, then delivered",
            f"{len(held) - late} of {len(held)}",
            len(held) > 0 and late == 0,
        )


def reactive(planes, row):
    """Reactive handover of MN1 from MAG2 back to MAG1."""
    downlink, uplink = stream(planes, MN1, 7009), stream(planes, MN1, 7011, uplink=True)
    movement, results = move(planes, "reactive", 2, (downlink, uplink))
    down, up = results[0][1], results[1][1]
    row(
        "reactive handover, downlink: lost / duplicated / reordered",
        "0 / 0 / 0",
        counts(down),
        (down["lost"], down["duplicated"], down["overtaken"], down["overflow"]) == (0, 0, 0, 0),
    )
    relayed = {way: movement.counters[f"tunnel.{MAG1}.{MAG2}.{way}.packets"] for way in ("up", "down")}
    row(
        "reactive handover: relayed between the MAGs, up / down",
        "> 0 / > 0",
        f"{relayed['up']} / {relayed['down']}",
        relayed["up"] > 0 and relayed["down"] > 0,
    )
    # Until the new MAG hears that the LMA has it, its uplink comes by the MAG of before: the LMA drops it.
    changing = movement.times["registered"][0], movement.times["active"][1]
    outside = mobility.lost_outside(results[1][0], up["sent"], *changing)
    row(
        "reactive handover, uplink, but for the LMA's change: lost / dup.",
        "0 / 0",
        f"{outside} / {up['duplicated']} of {up['sent']} ({up['lost'] - outside} within)",
        outside == 0 and up["duplicated"] == 0,
    )


def localized(planes, row):
    """Local routing from MAG to MAG, under a flow from MN1 to MN2."""
    controls = {1: planes.mag1.control, 2: planes.mag2.control}
    routes = {number: mobility.localized_routes(number) for number in controls}
    served = {number: planes.domain.mag_records(number, localRouting=True) for number in controls}
    controls[1].set(*served[1])
    controls[2].set(*[record for record in served[2] if record["mn"] == "mn2@example"])
    counter = f"tunnel.{MAG1}.{MAG2}.up.packets"
    flow = traffic.Stream(planes.domain, planes.domain.mn1, planes.domain.mn2, MN2, rate=RATE, seconds=60, port=7012)
    time.sleep(0.2)
    shortened = []
    for wanted in (False, True, False, True, False):
        if wanted:
            controls[2].set(*routes[2])
            controls[1].set(*routes[1])
        begun = controls[1].counters().get(counter, 0)
        time.sleep(0.2)
        # A tunnel without users has gone, and its counters with it.
        shortened.append(max(0, controls[1].counters().get(counter, 0) - begun))
        if wanted:
            for number in (1, 2):
                controls[number].delete(*[{"route": record["route"]} for record in routes[number]])
                time.sleep(0.05)
    result = flow.finish(stop=True)
    result.update(traffic.order(flow.records(), result["sent"]))
    off, on = shortened[::2], shortened[1::2]
    row(
        "localized routes off, on, off, on, off: packets from MAG to MAG",
        "0, > 0, 0, > 0, 0",
        ", ".join(map(str, shortened)),
        not any(off) and all(on),
    )
    row(
        "localized routes under a flow: lost / duplicated",
        "0 / 0",
        f"{result['lost']} / {result['duplicated']} of {result['sent']}",
        (result["lost"], result["duplicated"], result["overflow"]) == (0, 0, 0),
    )
    for number in controls:
        controls[number].set(*[r for r in planes.domain.mag_records(number) if number == 1 or "mn2" in r["mn"]])


def stranger(planes, row):
    """A spoofed packet in the tunnel between the MAGs."""
    planes.mag1.control.set(*mobility.mn1_at(1, "redirecting"))
    # The tunnel, the destination or the source: whichever the MAG calls wrong.
    names = ("drop.source-not-bound", "drop.unknown-tunnel", "drop.not-on-link")

    def dropped():
        counters = planes.mag1.control.counters()
        return sum(counters.get(name, 0) for name in names)

    before = dropped()
    mac = planes.domain.mag1.run(["cat", "/sys/class/net/peer/address"]).stdout.strip()
    packet = IPv6(src=MAG2, dst=MAG1) / IPv6(src=MN2, dst=CN) / UDP(dport=9) / b"spoofed"

    with RawPort(planes.domain.mag2, "peer") as port, RawPort(planes.domain.cn, "core") as core:
        for _ in range(10):
            port.send(Ether(dst=mac) / packet)
        try:
            wait_until(lambda: dropped() - before == 10, timeout=2, what="the counter")
        except TimeoutError:
            pass  # the row shows the figure
        seen = len([frame for frame in core.receive(timeout=0.2) if b"spoofed" in frame])
    count = dropped() - before
    row(
        "MAG2 relays 10 packets of a mobile node not handed to it",
        "10 dropped, 0 at CN",
        f"{count} dropped, {seen} at CN",
        count == 10 and seen == 0,
    )
    planes.mag1.control.set(*mobility.mn1_at(1))


def fast(planes, row):
    """Fast handovers, localized routes, and a stranger beside them."""
    # MN1 is at MAG1 alone; the checks before had it at both.
    planes.mag2.control.delete(*mobility.keys(2))
    mobility.know_each_other(planes.domain)
    try:
        for check in (predictive, reactive, localized, stranger):
            check(planes, row)
    finally:
        for number, daemon in ((1, planes.mag1), (2, planes.mag2)):
            daemon.control.set(*planes.domain.mag_records(number))
        planes.lma.control.set(*planes.domain.lma_records())
        planes.domain.move_mn1(1)
