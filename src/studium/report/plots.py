"""Charts of models, read in black and white too: shapes and strokes tell apart, colours only help.

Names of models are the study's own, and stand in the charts, cut where there is no room; tables have them in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from studium.core.interval import wilson
from studium.report.charts import level, put, scale, svg, ticks, xy
from studium.report.text import number, visible

__all__ = ["SHAPES", "Dot", "Line", "diagonal", "dots", "lines", "stroke"]

SHAPES = {"image": "circle", "audio": "triangle", "multimodal": "diamond", "text": "square"}
"""The mark of each modality."""
_ORDER = (*SHAPES.values(), "cross", "plus")
_LONGEST = 26  # characters of a name beside a chart
_WIDTH = 720
_ASIDE = 4  # px between curves with bars


@dataclass(frozen=True)
class Dot:
    """One row of `dots`: a name, the heading that it stands under, its value and 95 % interval; None: undefined."""

    name: str
    under: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """One curve of `lines`: its name, and (x, y) in the order of x; ``low`` and ``high`` of each y, if known."""

    name: str
    points: Sequence[tuple[float, float]]
    ends: Sequence[tuple[float, float] | None] = ()


def dots(rows: Sequence[Dot], chance: float | None, said: str) -> Markup:
    """A dot plot: a row for each model under the heading of its modality, with intervals and a line at chance.

    Args:
        rows: at least one; those under one heading follow each other.
        chance: what needs no model; None if that is not defined.
        said: what it shows, for those who cannot see it.
    """
    left, right, step = 190.0, _WIDTH - 54.0, 21
    ends = [x for row in rows for x in (row.value, row.low, row.high) if x is not None]
    ends = [*ends, *([] if chance is None else [chance])] or [0.0, 1.0]
    across = ticks(min(ends), max(ends), 6)
    x_of = scale(across[0], across[-1], left + 6, right)
    headings = list(dict.fromkeys(row.under for row in rows))
    bottom = 8 + step * (len(rows) + len(headings))
    body = "".join(f'<path class="grid" d="M{xy(x_of(t))} 4V{bottom}"/>' for t in across)
    body += "".join(put(x_of(t), bottom + 14, number(t), "middle") for t in across)
    if chance is not None:
        body += f'<path class="chance" d="M{xy(x_of(chance))} 4V{bottom}"/>'
        body += put(x_of(chance), bottom + 28, "chance", "middle")
    y = 8.0 - step / 2
    for heading in headings:
        y += step
        body += f'<text class="head" x="0" y="{xy(y + 4)}">{escape(visible(heading))}</text>'
        for row in (row for row in rows if row.under == heading):
            y += step
            body += put(8, y + 4, _cut(row.name), "start")
            if row.low is not None and row.high is not None:
                body += f'<path class="whisker" d="M{xy(x_of(row.low))} {xy(y)}H{xy(x_of(row.high))}"/>'
            if row.value is not None:
                body += _mark(SHAPES.get(heading, "cross"), x_of(row.value), y, 4.5)
            body += put(_WIDTH, y + 4, "n/a" if row.value is None else f"{row.value:.3f}", "end")
    return svg(_WIDTH, bottom + (32 if chance is not None else 18), body, said)


def lines(curves: Sequence[Line], said: str, width: int = 460) -> Markup:
    """Curves over one axis, each with marks of its own shape and a stroke of its own.

    Args:
        curves: at least one, each with at least one point.
        said: what it shows, for those who cannot see it.
        width: in px.
    """
    height, left = 150, 44
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    ys += [y for curve in curves for ends in curve.ends if ends is not None for y in ends]
    across, up = ticks(min(xs), max(xs), 4), ticks(min(ys), max(ys), 4)
    x_of, y_of = scale(across[0], across[-1], left + 6, width - 12), scale(up[0], up[-1], height, 8)
    body = "".join(level(left, width, y_of(t), t) for t in up)
    whole = all(float(x).is_integer() for x in xs)  # epochs and units have no halves
    named = [t for t in across if not whole or float(t).is_integer()]
    body += "".join(put(x_of(t), height + 15, number(t), "middle") for t in named)
    for at, curve in enumerate(curves):
        aside = _ASIDE * (at - (len(curves) - 1) / 2) if any(curve.ends) else 0.0  # bars beside each other
        drawn = "L".join(f"{xy(x_of(x) + aside)} {xy(y_of(y))}" for x, y in curve.points)
        body += f'<path class="line s{at % 4}" d="M{drawn}"/>'
        for (x, y), ends in zip(curve.points, curve.ends or [None] * len(curve.points), strict=True):
            if ends is not None:
                body += f'<path class="whisker" d="M{xy(x_of(x) + aside)} {xy(y_of(ends[0]))}V{xy(y_of(ends[1]))}"/>'
            body += _mark(_ORDER[at % len(_ORDER)], x_of(x) + aside, y_of(y), 3)
    return svg(width, height + 20, body, said)


def diagonal(points: Sequence[tuple[float, float, int]], said: str) -> Markup:
    """A reliability diagram: what was predicted across, what was the case upwards, and where both are the same.

    Bars are Wilson's 95 % intervals of as many cases as there are units: a bin of one unit says next to nothing.

    Args:
        points: (mean predicted probability, share, units) of each bin with any; the area of a mark goes by its units.
        said: what it shows, for those who cannot see it.
    """
    side, left = 190, 40
    x_of, y_of = scale(0, 1, left + 6, side), scale(0, 1, side - 30, 8)
    body = "".join(level(left, side, y_of(t), t) for t in (0, 0.25, 0.5, 0.75, 1))
    body += "".join(put(x_of(t), side - 15, number(t), "middle") for t in (0, 0.5, 1))
    body += f'<path class="chance" d="M{xy(x_of(0))} {xy(y_of(0))}L{xy(x_of(1))} {xy(y_of(1))}"/>'
    most = max((n for *_, n in points), default=1)
    for p, share, n in points:
        low, high = wilson(min(max(share, 0.0), 1.0), n).tolist()
        body += f'<path class="whisker" d="M{xy(x_of(p))} {xy(y_of(low))}V{xy(y_of(high))}"/>'
    body += "".join(_mark("circle", x_of(p), y_of(share), 1.5 + 4.5 * (n / most) ** 0.5) for p, share, n in points)
    return svg(side + 8, side, body, said)


def stroke(at: int) -> Markup:
    """The mark and stroke of a curve by its number, for a legend."""
    body = f'<path class="line s{at % 4}" d="M0 6H26"/>{_mark(_ORDER[at % len(_ORDER)], 13, 6, 3)}'
    return Markup(f'<svg class="chart key" aria-hidden="true" width="26" height="12">{body}</svg>')


def _mark(name: str, x: float, y: float, r: float) -> str:
    if name == "circle":
        return f'<circle class="mark" cx="{xy(x)}" cy="{xy(y)}" r="{xy(r)}"/>'
    forms = {
        "square": f"M{xy(x - r)} {xy(y - r)}h{xy(2 * r)}v{xy(2 * r)}h{xy(-2 * r)}Z",
        "diamond": f"M{xy(x)} {xy(y - 1.3 * r)}l{xy(1.3 * r)} {xy(1.3 * r)}l{xy(-1.3 * r)} {xy(1.3 * r)}"
        f"l{xy(-1.3 * r)} {xy(-1.3 * r)}Z",
        "triangle": f"M{xy(x)} {xy(y - 1.2 * r)}l{xy(1.2 * r)} {xy(2.2 * r)}h{xy(-2.4 * r)}Z",
        "cross": f"M{xy(x - r)} {xy(y - r)}l{xy(2 * r)} {xy(2 * r)}m{xy(-2 * r)} 0l{xy(2 * r)} {xy(-2 * r)}",
        "plus": f"M{xy(x - r)} {xy(y)}h{xy(2 * r)}m{xy(-r)} {xy(-r)}v{xy(2 * r)}",
    }
    return f'<path class="mark{" open" if name in {"cross", "plus"} else ""}" d="{forms[name]}"/>'


def _cut(name: str) -> str:
    said = visible(name)
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
