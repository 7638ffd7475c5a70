"""Is this machine ready? What is installed, what is cached, what each missing piece would bring."""

import os
import platform
import shutil
from importlib.util import find_spec

import click

from studium.cli.common import print_table

__all__ = ["doctor"]

EXTRAS = {
    "images": ("cv2", "onnx", "onnxruntime", "sklearn", "tokenizers"),
    "report": ("jinja2",),
    "sql": ("duckdb",),
    "coding": ("alembic", "sqlalchemy"),
}


@click.command()
def doctor() -> None:
    """Check this machine: Python, extras, model weights, space."""
    from studium.core import registry, weights

    rows = [("python", platform.python_version(), ""), ("cores", str(os.cpu_count()), "")]
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        advice = f"pip install 'studium[{extra}]'" if missing else ""
        rows.append((f"extra {extra}", f"lacks {', '.join(missing)}" if missing else "ok", advice))
    cached = [model for model in weights.rows() if weights.where(model)]
    lacking = [model for model in weights.rows() if model not in cached]
    rows.append(("models cached", ", ".join(cached) or "none", f"studium models pull {lacking[0]}" if lacking else ""))
    free = shutil.disk_usage(".").free / 1e9
    rows.append(("free space", f"{free:.0f} GB", "" if free > 2 else "make room: runs need at least 2 GB"))
    rows += [(group, ", ".join(registry.names(group)) or "none", "") for group in registry.GROUPS]
    print_table(["what", "found", "to do"], rows)
