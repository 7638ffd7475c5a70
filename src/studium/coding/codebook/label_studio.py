"""The labeling configuration of a Label Studio project, from the variables of one kind of unit.

Tags by https://labelstud.io/tags: Choices, Rating, Number, TextArea, RectangleLabels, Pairwise.
"""

from xml.etree import ElementTree as Xml

from studium.coding.codebook import words
from studium.core.codebook import Codebook
from studium.core.exchange.cells import CANNOT_TELL
from studium.core.exchange.label_studio import INSTEAD
from studium.core.unit import KINDS, check_kind
from studium.core.variable import NONE_OF_THESE, Variable
from studium.errors import InputError

__all__ = ["BESIDES", "LEFT", "UNIT", "control_of", "labeling_config", "objects"]

UNIT, LEFT, RIGHT = "unit", "left", "right"
"""Names of what is shown: a unit, or the two of a pair."""
BESIDES = ("Rating", "Number", "TextArea", "RectangleLabels", "Pairwise")
"""Controls beside which another one stands for "cannot tell"; for choices it is one of them."""
_SHOWN = (("text", "Text"), ("image", "Image"), ("video", "Video"), ("audio", "Audio"))


def labeling_config(codebook: Codebook, of: str = "image", pairs: bool = False) -> str:
    """XML for the settings of a project, with one control for each variable, called as the variable.

    Skip rules hide what is not asked, where Label Studio can: after single choices whose names hold no comma.

    Args:
        codebook: whose.
        of: kind of the units.
        pairs: the variables about pairs of such units, instead of those about one.

    Raises:
        InputError: no variable is about these, or one has a value that has the name of "cannot tell".
    """
    check_kind(of)
    asked = [one for one in codebook.variables if (one.of, one.pairs) == (of, pairs)]
    if not asked:
        known = sorted({f"{'pairs of ' * one.pairs}{one.of}" for one in codebook.variables})
        raise InputError(
            f"no variable is about {'pairs of ' * pairs}{of} units; the codebook is about {', '.join(known) or 'none'}"
        )
    view = Xml.Element("View")
    stage = Xml.SubElement(view, "View", {"style": "display: flex; gap: 1em"}) if pairs else view
    for name, key in objects(asked[0]):
        place = Xml.SubElement(stage, "View", {"style": "flex: 50%"}) if pairs else stage
        tag = next(tag for word, tag in _SHOWN if key.startswith(word))
        Xml.SubElement(place, tag, {"name": name, "value": f"${key}"})
    for variable in asked:
        _ask(_where_asked(view, variable, codebook), variable)
    Xml.indent(view)
    return Xml.tostring(view, "unicode") + "\n"


def objects(variable: Variable) -> list[tuple[str, str]]:
    """What is shown: its name in the configuration, and its key in the data of a task."""
    offers = KINDS[variable.of] - ({"text"} if variable.type == "boxes" else set())
    shown = next(word for word, _ in _SHOWN if word in offers)
    return [(LEFT, f"{shown}_left"), (RIGHT, f"{shown}_right")] if variable.pairs else [(UNIT, shown)]


def control_of(variable: Variable) -> str:
    """The tag that asks a variable."""
    if variable.pairs and set(variable.names) == {LEFT, RIGHT}:
        return "Pairwise"
    if variable.type == "ordinal" and variable.names == tuple(str(n + 1) for n in range(len(variable.names))):
        return "Rating"
    return {"continuous": "Number", "text": "TextArea", "boxes": "RectangleLabels"}.get(variable.type, "Choices")


def _where_asked(view: Xml.Element, variable: Variable, codebook: Codebook) -> Xml.Element:
    """A part of the view that shows only while the skip rule holds."""
    for name, values in variable.only_if:
        if control_of(codebook[name]) == "Choices" and not any("," in value for value in values):
            when = {"visibleWhen": "choice-selected", "whenTagName": name, "whenChoiceValue": ",".join(values)}
            view = Xml.SubElement(view, "View", when)
    return Xml.SubElement(view, "View")


def _ask(view: Xml.Element, variable: Variable) -> None:
    Xml.SubElement(view, "Header", {"value": variable.question})
    rules = [f"Only if {name} is {' or '.join(values)}." for name, values in words.conditions(variable)]
    for told in [*rules, *filter(None, [variable.instructions])]:
        Xml.SubElement(view, "Header", {"value": told, "size": "5"})
    about = {"name": variable.name, "toName": LEFT if variable.pairs else UNIT}
    control = control_of(variable)
    if control == "Choices":
        _choices(view, variable, about)
        return
    if control == "Rating":
        Xml.SubElement(view, "Rating", {**about, "maxRating": str(len(variable.names))})
    elif control == "Number":
        bounds = {"min": variable.low, "max": variable.high}
        span = {key: f"{it:.15g}" for key, it in bounds.items() if it is not None}
        Xml.SubElement(view, "Number", {**about, **span})
    elif control == "TextArea":
        Xml.SubElement(view, "TextArea", {**about, "rows": "3", "maxSubmissions": "1", "editable": "true"})
    elif control == "Pairwise":
        Xml.SubElement(view, "Pairwise", {**about, "toName": f"{LEFT},{RIGHT}"})
    else:
        boxes = Xml.SubElement(view, "RectangleLabels", {**about, "canRotate": "false", "snap": "pixel"})
        for value in variable.values:
            Xml.SubElement(boxes, "Label", {"value": value.name} | ({"hint": value.rule} if value.rule else {}))
    _instead(view, variable, about)


def _choices(view: Xml.Element, variable: Variable, about: dict[str, str]) -> None:
    several = variable.type == "multilabel"
    extra = [NONE_OF_THESE] * (variable.none_of_these or several) + [CANNOT_TELL] * variable.cannot_tell
    if taken := [name for name in extra if name in {value.name.casefold() for value in variable.values}]:
        raise InputError(
            f"variable {variable.name!r} has a value called {taken[0]!r}, which is how Label Studio would say it of "
            "none of the values; rename the value"
        )
    must = {} if variable.only_if else {"required": "true"}
    box = Xml.SubElement(view, "Choices", {**about, "choice": "multiple" if several else "single-radio", **must})
    for value in variable.values:
        Xml.SubElement(box, "Choice", {"value": value.name} | ({"hint": value.rule} if value.rule else {}))
    for name in extra:
        Xml.SubElement(box, "Choice", {"value": name})


def _instead(view: Xml.Element, variable: Variable, about: dict[str, str]) -> None:
    """Beside a control that cannot say so: nothing to be drawn, cannot tell."""
    said = [NONE_OF_THESE] * (variable.type == "boxes") + [CANNOT_TELL] * variable.cannot_tell
    if not said:
        return
    box = Xml.SubElement(view, "Choices", {**about, "name": variable.name + INSTEAD, "choice": "single-radio"})
    for name in said:
        Xml.SubElement(box, "Choice", {"value": name})
