"""Charts as small inline SVG, drawn in the colours of the page: they follow its theme, scale and print sharp.

Only numbers enter a chart; other people's words stay in the HTML around it.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from studium.report.text import number

__all__ = [
    "COLOURS",
    "bars",
    "bins",
    "curves",
    "frame",
    "histogram",
    "level",
    "place",
    "put",
    "scale",
    "scatter",
    "svg",
    "ticks",
    "xy",
]

COLOURS = 10
"""How many classes `scatter` tells apart; the style sheet defines ``--c0`` to ``--c9``."""

Numbers = npt.NDArray[np.float64]


def bins(values: Numbers, whole: bool, most: int = 24) -> npt.NDArray[np.int64]:
    """Counts of values in equal bins from the smallest to the largest value.

    Args:
        values: finite, at least one.
        whole: True for integers, which get a bin each if there is room.
        most: number of bins otherwise.
    """
    low, high = float(values.min()), float(values.max())
    steps = high - low + 1 if whole else math.inf
    wanted = int(steps) if steps <= most else most
    if low == high or not math.isfinite(high - low):
        return np.array([len(values)], np.int64)
    places = (values - low) / (high - low + (1 if whole and steps <= most else 0))
    return np.bincount(np.minimum((places * wanted).astype(np.int64), wanted - 1), minlength=wanted)


def histogram(values: Numbers, whole: bool, said: str) -> Markup:
    """A small histogram from the smallest to the largest value, with a line at the median.

    Args:
        values: finite, at least one.
        whole: True for integers.
        said: what it shows, for those who cannot see it.
    """
    width, height = 200, 46
    counts = bins(values, whole)
    low, high = float(values.min()), float(values.max())
    bar, top = width / len(counts), int(counts.max())
    steps = "".join(f"V{xy(height - height * c / top)}h{xy(bar)}" for c in counts)
    body = f'<path class="area" d="M0 {height}{steps}V{height}Z"/><path class="axis" d="M0 {height}H{width}"/>'
    spread = high - low
    if spread > 0 and math.isfinite(spread):
        fitted = whole and spread + 1 <= len(counts)
        at = (float(np.median(values)) - low + 0.5 * fitted) / (spread + fitted) * width
        body += f'<path class="median" d="M{xy(at)} 0V{height}"/>'
    body += put(0, height + 14, number(low), "start")
    if spread > 0:
        body += put(width, height + 14, number(high), "end")
    return svg(width, height + 17, body, said)


def bars(labels: Sequence[str], counts: Sequence[int], said: str) -> Markup:
    """Counts along an axis (of time, say), with as many of the labels as fit."""
    width, height, left = 720, 120, 44
    top = max(ticks(0, max(counts)))
    step = (width - left) / len(counts)
    body = "".join(level(left, width, height - height * t / top + 8, t) for t in ticks(0, max(counts)))
    for i, c in enumerate(counts):
        if c:
            h = height * c / top
            gap = min(1.0, step * 0.15)
            place = f'x="{xy(left + i * step + gap / 2)}" y="{xy(height - h + 8)}"'
            body += f'<rect class="area" {place} width="{xy(step - gap)}" height="{xy(h)}"/>'
    every = max(1, math.ceil(len(labels) * 9 * max(map(len, labels)) / (width - left)))
    for i in range(0, len(labels), every):
        body += put(left + (i + 0.5) * step, height + 24, labels[i], "middle")
    return svg(width, height + 30, body, said)


def curves(points: Sequence[tuple[float, float]], chosen: float, said: str) -> Markup:
    """One curve, with a mark at the chosen x: the silhouette over the number of clusters.

    Args:
        points: (x, y), in the order of x, at least one.
        chosen: the x to mark.
        said: what it shows, for those who cannot see it.
    """
    width, height, left = 220, 96, 40
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across, up = ticks(min(xs), max(xs), 4), ticks(min(ys), max(ys), 3)
    x_of = scale(across[0], across[-1], left + 6, width - 8)
    y_of = scale(up[0], up[-1], height, 8)
    body = "".join(level(left, width, y_of(t), t) for t in up)
    body += "".join(put(x_of(t), height + 15, number(t), "middle") for t in across)
    line = "L".join(f"{xy(x_of(x))} {xy(y_of(y))}" for x, y in points)
    body += f'<path class="line" d="M{line}"/>'
    for x, y in points:
        mark = "mark" if x == chosen else "dot"
        body += f'<circle class="{mark}" cx="{xy(x_of(x))}" cy="{xy(y_of(y))}" r="{3.5 if mark == "mark" else 1.8}"/>'
    return svg(width, height + 20, body, said)


def scatter(
    points: Numbers, classes: npt.NDArray[np.int64], names: Mapping[int, tuple[float, float]], said: str
) -> Markup:
    """Points on a plane, coloured by class; both axes have the same scale, and neither has a unit.

    Args:
        points: float64 (n, 2), finite.
        classes: int64 (n,): 0 to `COLOURS` - 1 for a colour of its own; -1 the colour of all others; -2 no class.
        names: number to write -> where on the plane.
        said: what it shows, for those who cannot see it.
    """
    width = 720
    low, spread, height = frame(points, width)
    scaled = place(points, low, spread, height)
    radius = float(np.clip(60 / math.sqrt(max(len(points), 1)), 1.2, 4.5))
    body = ""
    for shown in (-2, -1, *range(COLOURS)):
        chosen = scaled[classes == shown]
        if len(chosen):
            dots = "".join(f"M{xy(x)} {xy(y)}h0" for x, y in chosen)
            body += f'<path class="points k{shown if shown >= 0 else "ox"[-1 - shown]}" d="{dots}"/>'
    body = f'<g style="stroke-width:{2 * radius:.1f}">{body}</g>'
    for label, where in names.items():
        x, y = place(np.array([where]), low, spread, height)[0]
        body += f'<text class="halo" x="{xy(x)}" y="{xy(y + 4)}" text-anchor="middle">{label}</text>'
    return svg(width, round(height), body, said)


def frame(points: Numbers, width: float, margin: float = 0.03) -> tuple[Numbers, float, float]:
    """How a plane fits a width: its lower left corner, its units per pixel, and the height that follows."""
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.maximum(high - low, 1e-9 * max(1.0, float(np.abs(points).max())))
    spread = np.maximum(spread, 0.4 * spread.max())
    middle = (low + high) / 2
    per_pixel = float(spread[0] * (1 + 2 * margin) / width)
    height = float(spread[1] * (1 + 2 * margin) / per_pixel)
    if height > width:  # a tall plane is turned by no one: it gets white sides instead
        per_pixel, height = float(spread[1] * (1 + 2 * margin) / width), width
    return middle - np.array([width, height]) * per_pixel / 2, per_pixel, height


def place(points: Numbers, low: Numbers, per_pixel: float, height: float) -> Numbers:
    """Pixels of points of the plane, y downwards."""
    at = (points - low) / per_pixel
    return np.column_stack([at[:, 0], height - at[:, 1]])


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from at or below ``low`` to at or above ``high``."""
    spread = high - low if high > low else abs(high) or 1.0
    raw = spread / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Where numbers from ``low`` to ``high`` stand between two pixels."""
    return lambda x: start + (x - low) * (end - start) / (high - low)


def level(left: float, width: float, y: float, value: float) -> str:
    """A line across at a value, which stands to its left."""
    return f'<path class="grid" d="M{left} {xy(y)}H{width}"/>' + put(left - 6, y + 3.5, number(value), "end")


def put(x: float, y: float, text: str, anchor: str) -> str:
    """Words in a chart; ``anchor`` is "start", "middle" or "end"."""
    return f'<text x="{xy(x)}" y="{xy(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def xy(value: float) -> str:
    """A pixel, with one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def svg(width: int, height: int, body: str, said: str) -> Markup:
    """A chart of that size, with what it shows for those who cannot see it."""
    head = f'<svg class="chart" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return Markup(f'{head} aria-label="{escape(said)}">{body}</svg>')
