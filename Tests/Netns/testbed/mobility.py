"""MN1's handovers as RFC 5949 has them, and localized routes between MN1 and MN2: what a control daemon would say."""

import time

from . import handover, records
from .addresses import HNP1, HNP2, HOA1, HOA2, LMAA, MAG1, MAG2, MN1_MAC, TRANSPORT3
from .bed import wait_until

ADDRESS = {1: MAG1, 2: MAG2}


def mn1_at(number, state="active", **more):
    """MN1's bindings at MAG 1 or 2; the handover states name the other MAG."""
    if state in ("redirecting", "buffering", "flushing", "relaying"):
        more["peer"] = {"local": ADDRESS[number], "remote": ADDRESS[3 - number]}
    return [
        records.mag_binding(
            prefix,
            local=ADDRESS[number],
            remote=LMAA,
            port="access",
            mac=MN1_MAC,
            mn="mn1@example",
            state=state,
            **more,
        )
        for prefix in (HNP1, f"{HOA1}/32")
    ]


def keys(number):
    """The keys of MN1's bindings."""
    return [{name: record[name] for name in ("table", "prefix")} for record in mn1_at(number)]


class Movement:
    """Moves MN1 from one MAG to the other and notes when what was acknowledged (CLOCK_MONOTONIC, nanoseconds)."""

    def __init__(self, domain, lma, mags, origin=1):
        self.domain, self.lma, self.origin = domain, lma, origin
        self.old, self.new = mags[origin].control, mags[3 - origin].control
        self.times = {}
        # Those of the new MAG while its tunnel to the previous one still exists.
        self.counters = {}

    def _do(self, what, action):
        begun = time.monotonic_ns()
        action()
        self.times[what] = (begun, time.monotonic_ns())

    def predictive(self, away=0.1, release="flushing"):
        """The previous MAG redirects, the new one holds; after `away` seconds MN1 is there, then the LMA learns it.

        `release` is what the new MAG does meanwhile: `flushing` sends uplink to the LMA at once, `relaying` by the
        previous MAG.
        """
        target = 3 - self.origin
        self._do("buffering", lambda: self.new.set(*mn1_at(target, "buffering")))
        self._do("redirecting", lambda: self.old.set(*mn1_at(self.origin, "redirecting")))
        time.sleep(away)
        self._do("released", lambda: self.new.set(*mn1_at(target, release)))
        self._do("attached", lambda: self.domain.move_mn1(target))
        if release == "flushing":
            self._await_end_of_release()
        self._register(target)

    def reactive(self, away=0.1):
        """MN1 is at the new MAG before anybody else knows: both directions go by the previous one for a while."""
        target = 3 - self.origin
        self._do("relaying", lambda: self.new.set(*mn1_at(target, "relaying")))
        self._do("redirecting", lambda: self.old.set(*mn1_at(self.origin, "redirecting")))
        self._do("attached", lambda: self.domain.move_mn1(target))
        time.sleep(away)
        self._register(target)

    def _register(self, target):
        self._do("registered", lambda: self.lma.control.set(*handover.binding(target)))
        # What is under way by the previous MAG still arrives before the new one stops listening to it.
        time.sleep(0.05)
        self.counters = self.new.counters()
        self._do("active", lambda: self.new.set(*mn1_at(target)))
        self._do("left", lambda: self.old.delete(*keys(self.origin)))

    def _await_end_of_release(self):
        """Until nothing is held any more: the bindings show themselves active."""

        def ended():
            bindings = [entry for entry in self.new.dump() if entry.get("prefix") in (HNP1, f"{HOA1}/32")]
            return all(entry.get("state", "active") == "active" for entry in bindings)

        wait_until(ended, timeout=20, what="the end of the release")


def know_each_other(domain):
    """Both MAGs resolve each other before packets depend on it."""
    for namespace, other in ((domain.mag1, f"{TRANSPORT3}::2"), (domain.mag2, f"{TRANSPORT3}::1")):
        if namespace.ping(other) == 0:
            raise RuntimeError("the MAGs do not reach each other")


def localized_routes(number):
    """The routes of MAG 1 (MN1 to MN2) or MAG 2 (MN2 to MN1), IPv6 and IPv4."""
    pairs = ((HNP1, HNP2), (f"{HOA1}/32", f"{HOA2}/32"))
    via = {"local": ADDRESS[number], "remote": ADDRESS[3 - number]}
    return [
        {"route": dict(zip(("from", "to"), pair if number == 1 else pair[::-1], strict=True)), "via": via}
        for pair in pairs
    ]


def outside(arrived, windows, margin=20_000_000):
    """How many packets were overtaken, those aside that were sent or arrived within `margin` ns of a window."""
    highest, overtaken = -1, 0
    for sequence, sent, received, *_ in arrived:
        near = any(
            begin - margin <= sent <= end + margin or begin - margin <= received <= end + margin
            for begin, end in windows
        )
        if sequence < highest and not near:
            overtaken += 1
        highest = max(highest, sequence)
    return overtaken


def lost_outside(arrived, sent, begin, end, margin=20_000_000):
    """How many of `sent` packets are missing that were not sent between two moments (give or take `margin` ns)."""
    seen = {record[0] for record in arrived}
    first = max((record[0] for record in arrived if record[1] < begin - margin), default=0)
    last = min((record[0] for record in arrived if record[1] > end + margin), default=sent)
    return sum(number not in seen for number in range(sent) if not first < number < last)
