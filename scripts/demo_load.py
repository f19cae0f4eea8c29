"""The checks of `make demo` that put load on the domain: handovers under a stream, throughput."""

from testbed import handover, traffic
from testbed.addresses import CN, CN4, HOA1, MN1


def one_handover(planes, row):
    """Handover of MN1 from MAG1 to MAG2 under load."""
    report_handovers(planes, row, 1, "one handover at 20 kpps")
    planes.domain.move_mn1(2)
    answered = planes.domain.mn1.ping(CN, source=MN1)
    row("after the handover: MN1 → CN by MAG2", "3 of 3 answered", f"{answered} of 3", answered == 3)
    planes.lma.control.set(*handover.binding(1))
    planes.domain.move_mn1(1)


def many_handovers(planes, row):
    """1000 handovers of MN1 between the MAGs under load."""
    report_handovers(planes, row, 1000, "1000 handovers at 20 kpps")


def report_handovers(planes, row, count, title):
    """Runs handovers under a numbered stream and reports what became of its packets."""
    result = handover.run(planes.domain, planes.lma.control, MN1, count=count, rate=20000)
    valid = result["overflow"] == 0 and result["pps"] > 18000
    row(
        f"{title}: stream",
        "≥ 18 kpps, receiver keeps up",
        f"{result['pps'] / 1000:.1f} kpps, {result['sent']} packets",
        valid,
    )
    counts = f"{result['lost']} / {result['duplicated']} / {result['reordered']}"
    clean = result["lost"] == 0 and result["duplicated"] == 0
    row(f"{title}: lost / duplicated / reordered", "0 / 0 / counted", counts, valid and clean)
    row(
        f"{title}: on the old tunnel after the ack",
        "0",
        f"{result['misdirected']} of {result['judged']}",
        result["misdirected"] == 0 and result["judged"] > 0,
    )


def throughput(planes, row):
    """Throughput with packet size."""
    domain = planes.domain
    for payload in (64, 1400):
        stream = traffic.Stream(domain, domain.cn, domain.mn1, MN1, rate=0, seconds=3, size=payload, log=False)
        result = stream.finish()
        seconds = (result["last"] - result["first"]) / 1e9 if result["received"] > 1 else 1
        octets = payload + 48
        rate = result["received"] / seconds
        row(
            f"throughput CN → MN1, UDP, {octets}-octet IPv6 packets",
            "measured (> 10 kpps)",
            f"{rate / 1000:.0f} kpps, {rate * octets * 8 / 1e6:.0f} Mbit/s",
            rate > 10000,
        )
    for title, client, server, address, source in (
        ("CN → MN1, IPv6", domain.cn, domain.mn1, MN1, CN),
        ("MN1 → CN, IPv6", domain.mn1, domain.cn, CN, MN1),
        ("CN → MN1, IPv4", domain.cn, domain.mn1, HOA1, CN4),
        ("MN1 → CN, IPv4", domain.mn1, domain.cn, CN4, HOA1),
    ):
        result = traffic.iperf(domain, client, server, address, source=source)
        row(
            f"iperf3 TCP {title}, 1500-octet packets",
            "measured (> 50 Mbit/s)",
            f"{result['mbps']:.0f} Mbit/s",
            result["mbps"] > 50,
        )
        result = traffic.iperf(domain, client, server, address, source=source, udp=True)
        row(
            f"iperf3 UDP {title}, 20 Mbit/s of 1200 octets",
            "0 lost",
            f"{result['lost']} of {result['sent']} lost",
            result["lost"] == 0,
        )
