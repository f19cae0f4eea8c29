"""Two kinds of charts as SVG text: lines over a logarithmic or even axis, and bars in groups."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 60
#: Readable beside each other, also for most who see fewer colours (Okabe and Ito); the product has the first.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


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
    """The chart's paper, its title and its upright axis from 0."""

    def __init__(self, title, unit, highest):
        self.top, step = nice_top(highest)
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            text(LEFT, 22, title, anchor="start", more='font-size="15"'),
            text(18, (TOP + HEIGHT - BOTTOM) / 2, unit, more=f'transform="rotate(-90 18 {(TOP + HEIGHT - BOTTOM) / 2})"'),
        ]
        for mark in range(int(round(self.top / step)) + 1):
            y = self.y(mark * step)
            self.parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
            self.parts.append(text(LEFT - 6, y + 4, f"{mark * step:g}", anchor="end"))

    def y(self, value):
        """Where a value is."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def x(self, share):
        """Where a share of the lower axis is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def legend(self, names, dashes=()):
        """The names of the colours."""
        for index, name in enumerate(names):
            y = TOP + 10 + 18 * index
            dash = f' stroke-dasharray="{dashes[index]}"' if dashes and dashes[index] else ""
            colour = COLOURS[index % len(COLOURS)]
            self.parts.append(
                f'<path d="M{WIDTH - RIGHT + 10} {y}h22" stroke="{colour}" stroke-width="3"{dash}/>'
            )
            self.parts.append(text(WIDTH - RIGHT + 38, y + 4, name, anchor="start"))

    def svg(self):
        """The document."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def lines(title, unit, axis, series, *, labels, logarithmic=False):
    """Points of each series, (x, y) in rising x; `labels` are the marks of the lower axis, {x: words}."""
    place = math.log if logarithmic else float
    first, last = place(min(labels)), place(max(labels))
    frame = Frame(title, unit, max(y for points in series.values() for _, y in points))

    def position(x):
        return frame.x(0.04 + 0.92 * ((place(x) - first) / (last - first) if last > first else 0.5))

    for x, words in labels.items():
        frame.parts.append(text(position(x), HEIGHT - BOTTOM + 18, words))
    frame.parts.append(text(frame.x(0.5), HEIGHT - 16, axis))
    for index, points in enumerate(series.values()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{position(x):.1f},{frame.y(y):.1f}" for x, y in points)
        frame.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        frame.parts += [
            f'<circle cx="{position(x):.1f}" cy="{frame.y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points
        ]
    frame.legend(list(series))
    return frame.svg()


def bars(title, unit, series, groups):
    """A bar of each series in each group; `series` has {group: value}, and groups it lacks have a gap."""
    frame = Frame(title, unit, max(value for values in series.values() for value in values.values()))
    slot = 1 / len(groups)
    for place, group in enumerate(groups):
        frame.parts.append(text(frame.x((place + 0.5) * slot), HEIGHT - BOTTOM + 18, group))
        width = 0.8 * slot / len(series)
        for index, values in enumerate(series.values()):
            if group not in values:
                continue
            left = frame.x(place * slot + 0.1 * slot + index * width)
            right, y = frame.x(place * slot + 0.1 * slot + (index + 0.95) * width), frame.y(values[group])
            frame.parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" height="{frame.y(0) - y:.1f}"'
                f' fill="{COLOURS[index % len(COLOURS)]}"/>'
            )
    frame.legend(list(series))
    return frame.svg()
