"""What `studium train` writes beside a model, written by hand: see `studium.run.evaluated`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CLASSES = ["calm", "loud"]

TUNING = {
    "units": 30, "groups": 28, "calibrate": "temperature", "threshold": "f1",
    "calibrators": [{"method": "temperature", "temperature": 1.5, "reason": ""}],
    "thresholds": [{"class": "loud", "value": 0.375, "precision": [0.8, 0.7, 0.9], "recall": [0.6, None, None],
                    "reason": ""}],
}  # fmt: skip


def figure(name: str, value: float | None, of: str = "", note: str = "") -> dict[str, Any]:
    ends = (None, None) if value is None else (value - 0.05, value + 0.05)
    return {
        "name": name,
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "n": 40,
        "groups": 31,
        "of": of,
        "note": note,
    }


def evaluation(**more: Any) -> dict[str, Any]:
    """Of a binary model, with everything that one may have."""
    bins = [{"n": 30, "share": 0.75, "probability": 0.2, "came_true": 0.25},
            {"n": 10, "share": 0.25, "probability": 0.9, "came_true": 0.8}]  # fmt: skip
    return {
        "format": 1, "name": "looks", "of": "image", "variable": "mood", "task": "categorical", "classes": CLASSES,
        "model": "linear", "takes": "table", "inputs": "image embed-1a2b", "modality": "image",
        "settings": {"C": 0.01, "chosen": [{"C": 0.01}], "inner": {"rate": 0.1}, "tuning": TUNING},
        "training": {"units": 90, "groups": 80, "per_class": [60, 30], "effective": 90.0, "digest": "ab",
                     "curve": [{"epoch": 1, "train_loss": 0.7, "validation_loss": 0.8},
                               {"epoch": 2, "train_loss": 0.5, "validation_loss": 0.75}]},
        "labels": {"units": 160, "per_class": {"calm": 100, "loud": 60}, "coders": 2, "combine": "majority",
                   "dropped": {"tie": 3}, "told": {}},
        "left_out": {"no embed": 2},
        "split": {"test": 0.2, "folds": 3, "seed": 1, "kept_apart": ["near_duplicates"], "told": ["groups are large"],
                  "digest": "cd", "parts": {"train": {"calm": 60, "loud": 30}, "test": {"calm": 25, "loud": 15}}},
        "figures": [figure("macro-F1", 0.82), figure("ROC AUC", None, note="one class"), figure("F1 of loud", 0.75),
                    figure("precision of loud", 0.7), figure("recall of loud", 0.8)],
        "groups": [figure("false-positive rate", 0.125, "party: left"),
                   figure("false-negative rate", None, "party: right", "9 positives are too few, it needs 30")],
        "confusion": [[22, 3], [2, 13]],
        "reliability": [{"class": "loud", "bins": bins, "ece": 0.0625, "mce": 0.1}],
        "seconds": {"train": 1.5, "predict": 0.1}, "memory": None, "templates": False,
    } | more  # fmt: skip


def write(root: Path, about: dict[str, Any], rows: Sequence[dict[str, Any]] = (), name: str = "looks") -> Path:
    """A model's folder with an evaluation, and predictions if there are any."""
    folder = root / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(about), encoding="utf-8")
    if rows:
        pq.write_table(pa.Table.from_pylist(list(rows)), folder / "predictions.parquet")
    return folder


def said(unit: str, true: Any, predicted: Any, outputs: Sequence[float], **by: Any) -> dict[str, Any]:
    """A row of predictions, of the test part."""
    about = {"unit": unit, "part": "test", "group": unit, "weight": 1.0, "true": true, "predicted": predicted}
    return about | {"outputs": list(outputs)} | {f"by_{name}": value for name, value in by.items()}
