"""Builds the browser app into the package, where npm is installed; without it the package works, and has no app."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APP, BUILT = "app", "src/studium/server/static"


class AppBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before a wheel, an editable install among them, is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the app, if it can be and has to be."""
        del version
        root = Path(self.root)
        if self.target_name == "wheel" and (root / APP).is_dir() and _older(root / BUILT, root / APP):
            _build(root / APP)
        build_data.setdefault("artifacts", []).append(f"{BUILT}/**")


def _older(built: Path, app: Path) -> bool:
    """Whether anything that the app is made from is newer than what was made of it."""
    if not (built / "index.html").exists():
        return True
    made = (built / "index.html").stat().st_mtime
    sources = [app / name for name in ("package-lock.json", "vite.config.ts", "index.html")]
    return any(path.stat().st_mtime > made for path in [*sources, *(app / "src").rglob("*")])


def _build(app: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        print("studium: no npm, so no browser app; everything else is installed", file=sys.stderr)
        return
    quiet = {**os.environ, "npm_config_fund": "false", "npm_config_audit": "false", "npm_config_loglevel": "error"}
    try:
        subprocess.run([npm, "ci"], cwd=app, env=quiet, check=True, stdout=sys.stderr)
        subprocess.run([npm, "run", "build"], cwd=app, env=quiet, check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"studium: the browser app was not built ({error}); everything else is installed", file=sys.stderr)
