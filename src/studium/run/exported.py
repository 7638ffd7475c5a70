"""A model of a study as a folder that loads elsewhere, without the study's data."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from studium.core import parts
from studium.core.store import Store
from studium.core.weights import get
from studium.errors import InputError, MissingExtraError, UnknownNameError
from studium.learn.models.estimator import Fitted
from studium.learn.models.head import CONTINUOUS
from studium.learn.models.linear import FittedLinear
from studium.learn.models.saved import load
from studium.learn.models.tuned import Tuned
from studium.run.train import place_of, recipe_of

__all__ = ["exported"]

_README = """\
# {name}

A model of `{variable}`. It loads with studium:

```python
from studium import learn

model = learn.load("path/of/this/folder")
model.{call}(X)
```

`X`: {takes}. {made}

What it is for, and how good it is: `card.md`. Units, labels and predictions of the study are not in it{templates}.
{kept}
## Licences of the models that it rests on

{licences}
"""
_KEPT = """\
But it keeps some of what it learned from: the vocabulary of `ngrams` is words of the texts, and a network that was
fine-tuned can repeat what it has seen. Hand it on only if you might hand on these.
"""
_ONNX = """
## scores.onnx

`X` (n, {d}) float32 to `scores` (n, {m}) float32: {what}, before calibration. Calibration and thresholds are in
`model.json`.
"""
_TAKES = {
    "table": "numbers, (n, {d})",
    "text": "a list of texts",
    "image": "a list of pictures, RGB uint8 H x W x 3",
    "material": "a list of studium.media.material.Material",
}


def exported(store: Store, name: str, to: Path) -> Path:
    """Write a model into a new folder: as `studium.learn.load` reads it, with its card, and how its input is made.

    Adapters are merged into the network that they were trained beside. A linear model is there as ONNX too; others are
    not. Labels, units and predictions of the study stay in the study.

    Raises:
        InputError: no such model, or the folder is there.
        MissingExtraError: onnx is not installed.
    """
    place = place_of(store.root, name)
    if to.exists():
        raise InputError(f"{to} is there; name a new folder")
    about, fitted = recipe_of(place), load(place)
    work = to.with_name(f".{to.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    linear = fitted.model if isinstance(fitted, Tuned) else fitted
    if isinstance(linear, FittedLinear):
        parts.replace_file(work / "scores.onnx", _graph(linear))
    made_of = {name: about[name] for name in ("variable", "of", "inputs", "on", "names")}
    parts.replace_file(work / "inputs.json", json.dumps(made_of, indent=1, ensure_ascii=False) + "\n")
    _merged(fitted).save(work)
    for card in ("card.md", "card.html"):
        shutil.copyfile(place / card, work / card)
    parts.replace_file(work / "README.md", _readme(name, about, linear))
    work.rename(to)
    return to


def _merged(fitted: Fitted) -> Fitted:
    """The model with its adapters merged, if it has any."""
    inner: Any = fitted.model if isinstance(fitted, Tuned) else fitted
    body = getattr(inner, "body", None)
    if body is None or not hasattr(body, "merged"):
        return fitted
    whole = dataclasses.replace(inner, body=body.merged())
    return dataclasses.replace(fitted, model=whole) if isinstance(fitted, Tuned) else whole


def _readme(name: str, about: dict[str, Any], fitted: Fitted) -> str:
    names = about["names"]
    made = "These are the columns of inputs.json, made by the measures named there." if names else ""
    bases = {model for one in about["on"] for model in one["models"]}
    bases |= {str(about["settings"]["model"])} if about["settings"].get("model") else set()
    lines = [f"- {model}: {_licence(model)}" for model in sorted(bases)]
    text = _README.format(
        name=name,
        variable=about["variable"],
        call="predict" if fitted.head.task == CONTINUOUS else "predict_proba",
        takes=_TAKES.get(fitted.takes, fitted.takes).format(d=len(names)),
        made=made,
        kept=_KEPT * (fitted.takes != "table"),
        templates=", but it learned from templates of faces: hand it on only where the law allows" * about["templates"],
        licences="\n".join(lines) or "It rests on no published model.",
    )
    if not isinstance(fitted, FittedLinear):
        return text
    what = "values" if fitted.head.task == CONTINUOUS else "log-odds"
    return text + _ONNX.format(d=len(fitted.mean), m=len(fitted.intercept), what=what)


def _licence(model: str) -> str:
    try:
        return get(model).licence or "see where it was published; its licence is not known here"
    except UnknownNameError:
        return "see where it came from; its licence is not known here"


def _graph(linear: FittedLinear) -> bytes:
    """The scores of a linear model as an ONNX graph of one Gemm."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise MissingExtraError("onnx", "images") from error
    weight = linear.coef / linear.scale
    constants = {"W": weight, "b": linear.intercept - weight @ linear.mean}
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["X", "W", "b"], ["scores"], transB=1)],
        linear.head.variable,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", len(linear.mean)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(linear.intercept)])],
        [numpy_helper.from_array(one.astype(np.float32), name) for name, one in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())
