"""Videos that break pipelines, made once for all tests of decoding."""

from pathlib import Path

import hostile_video
import pytest


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder of hostile videos, and what becomes of the pictures of each: "ok", or the name of an error."""
    folder = tmp_path_factory.mktemp("films")
    return folder, hostile_video.make(folder)
