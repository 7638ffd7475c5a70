"""Is this machine ready? What is installed, what is cached, what each missing piece would bring."""

import os
import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

import click

from studium.cli.common import print_table

__all__ = ["doctor"]

EXTRAS = {
    "images": ("cv2", "h5py", "onnx", "onnxruntime", "sklearn", "threadpoolctl", "tokenizers"),
    "video": ("av", "cv2", "scipy"),
    "speech": ("faster_whisper",),
    "text": ("emoji", "py3langid", "vaderSentiment"),
    "ocr": ("cv2", "onnxruntime", "py3langid"),
    "recognition": ("_dlib_pybind11",),
    "autotag": ("azure.ai.vision.imageanalysis", "boto3", "google.cloud.vision"),
    "ask": ("httpx", "tenacity"),
    "download": ("httpx",),
    "platforms": ("yt_dlp",),
    "torch": ("llguidance", "safetensors", "torch", "transformers"),
    "finetune": ("accelerate", "peft", "torch", "transformers"),
    "report": ("jinja2",),
    "sql": ("duckdb",),
    "coding": ("alembic", "sqlalchemy"),
    "postgres": ("psycopg",),
    "serve": ("argon2", "fastapi", "uvicorn"),
}
PROGRAMS = {"tesseract": "for text in scripts that are not Latin, Chinese or Japanese", "npm": "to fetch nanodet-g"}


@click.command()
def doctor() -> None:
    """Check this machine: Python, extras, model weights, space."""
    from studium.core import registry, weights

    rows = [("python", platform.python_version(), ""), ("cores", str(os.cpu_count()), "")]
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if not _there(module)]
        advice = f"pip install 'studium[{extra}]'" if missing else ""
        rows.append((f"extra {extra}", f"lacks {', '.join(missing)}" if missing else "ok", advice))
    for program, use in PROGRAMS.items():
        found = shutil.which(program) is not None
        rows.append((f"program {program}", "ok" if found else "not here", "" if found else f"needed {use}"))
    cached = [model for model in weights.rows() if weights.where(model)]
    lacking = [model for model in weights.rows() if model not in cached]
    rows.append(("models cached", ", ".join(cached) or "none", f"studium models pull {lacking[0]}" if lacking else ""))
    for what, place in (("here", Path()), ("for models", weights.cache_dir())):
        free = shutil.disk_usage(_existing(place)).free / 1e9
        rows.append((f"free space {what}", f"{free:.0f} GB", "" if free > 2 else f"make room in {place.absolute()}"))
    rows += [(group, ", ".join(registry.names(group)) or "none", "") for group in registry.GROUPS]
    print_table(["what", "found", "to do"], rows)


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would lie in
        return False


def _existing(place: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return place if place.exists() else _existing(place.absolute().parent)
