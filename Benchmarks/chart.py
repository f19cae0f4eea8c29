"""Two kinds of charts as SVG text: lines over logarithmic or even axes, and bars in groups.

A series is named CONTESTANT or CONTESTANT VARIANT: the first word has its colour in every chart, the rest its dashes.
"""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 60
#: Readable beside each other, also for most who see fewer colours (Okabe and Ito).
COLOURS = {
    "fastpath": "#d55e00",
    "c": "#0072b2",
    "l2fwd": "#0072b2",
    "seg6": "#009e73",
    "xdp-lpm": "#cc79a7",
    "xdp-hash": "#e69f00",
}
OTHERS = "#56b4e9"
DASHES = {"": "", "median": "", "p99": "8 4", "p99.9": "2 4"}


def colour(series):
    """The colour of a series."""
    return COLOURS.get(series.split(" ")[0], OTHERS)


def dashes(series):
    """The attribute of a line that tells a contestant's series apart."""
    pattern = DASHES.get(series.partition(" ")[2], "")
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def nice_top(value):
    """The end of an axis that has room for a value, and the step of its marks."""
    if value <= 0:
        return 1.0, 0.25
    step = 10 ** math.floor(math.log10(value))
    for factor in (0.2, 0.25, 0.5, 1, 2, 2.5):
        if value <= 5 * step * factor:
            return step * factor * math.ceil(value / (step * factor)), step * factor
    return 10 * step, 2 * step


def text(x, y, words, *, anchor="middle", more=""):
    """One line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(str(words))}</text>'


class Frame:
    """The chart's paper, its title and its upright axis: from 0, or with `lowest` in powers of ten from below that."""

    def __init__(self, title, unit, highest, *, lowest=None):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            text(LEFT, 22, title, anchor="start", more='font-size="15"'),
            text(18, (TOP + HEIGHT - BOTTOM) / 2, unit, more=f'transform="rotate(-90 18 {(TOP + HEIGHT - BOTTOM) / 2})"'),
        ]
        if lowest is None:
            self.place, self.bottom = float, 0.0
            self.top, step = nice_top(highest)
            marks = [mark * step for mark in range(int(round(self.top / step)) + 1)]
        else:
            self.place = math.log10
            self.bottom, self.top = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
            marks = [10.0**power for power in range(self.bottom, self.top + 1)]
        for mark in marks:
            y = self.y(mark)
            self.parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
            self.parts.append(text(LEFT - 6, y + 4, f"{mark:g}", anchor="end"))

    def y(self, value):
        """Where a value is."""
        share = (self.place(value) - self.bottom) / (self.top - self.bottom)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def x(self, share):
        """Where a share of the lower axis is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def legend(self, names):
        """The names of the series."""
        for index, name in enumerate(names):
            y = TOP + 10 + 18 * index
            self.parts.append(
                f'<path d="M{WIDTH - RIGHT + 10} {y}h26" stroke="{colour(name)}" stroke-width="3"{dashes(name)}/>'
            )
            self.parts.append(text(WIDTH - RIGHT + 42, y + 4, name, anchor="start"))

    def svg(self):
        """The document."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def lines(title, unit, axis, series, *, labels, logarithmic=False, decades=False):
    """Points of each series, (x, y) in rising x; `labels` are the marks of the lower axis, {x: words}. With
    `logarithmic` the lower axis is, with `decades` the upright one."""
    place = math.log if logarithmic else float
    first, last = place(min(labels)), place(max(labels))
    heights = [y for points in series.values() for _, y in points]
    frame = Frame(title, unit, max(heights), lowest=min(heights) if decades else None)

    def position(x):
        return frame.x(0.04 + 0.92 * ((place(x) - first) / (last - first) if last > first else 0.5))

    for x, words in labels.items():
        frame.parts.append(text(position(x), HEIGHT - BOTTOM + 18, words))
    frame.parts.append(text(frame.x(0.5), HEIGHT - 16, axis))
    for name, points in series.items():
        path = " ".join(f"{position(x):.1f},{frame.y(y):.1f}" for x, y in points)
        look = f'fill="none" stroke="{colour(name)}" stroke-width="2"{dashes(name)}'
        frame.parts.append(f'<polyline points="{path}" {look}/>')
        frame.parts += [
            f'<circle cx="{position(x):.1f}" cy="{frame.y(y):.1f}" r="3.5" fill="{colour(name)}"/>' for x, y in points
        ]
    frame.legend(list(series))
    return frame.svg()


def bars(title, unit, series, groups):
    """A bar of each series in each group; `series` has {group: value}, and a series takes no place in groups it lacks.
    A group's name has a line for each of its words."""
    frame = Frame(title, unit, max(value for values in series.values() for value in values.values()))
    slot = 1 / len(groups)
    for place, group in enumerate(groups):
        for line, word in enumerate(group.split(" ")):
            frame.parts.append(text(frame.x((place + 0.5) * slot), HEIGHT - BOTTOM + 18 + 15 * line, word))
        there = [name for name, values in series.items() if group in values]
        width = min(0.8 * slot / len(there), 0.06)
        start = (place + 0.5) * slot - width * len(there) / 2
        for index, name in enumerate(there):
            left, right = frame.x(start + index * width), frame.x(start + (index + 0.92) * width)
            y = frame.y(series[name][group])
            frame.parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" height="{frame.y(0) - y:.1f}"'
                f' fill="{colour(name)}"/>'
            )
    frame.legend(list(series))
    return frame.svg()
