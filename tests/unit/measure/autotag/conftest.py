"""The services, and the measures that talk to them."""

from collections.abc import Iterator
from pathlib import Path

import fetch
import numpy as np
import pytest
from services import Services, google_client, serving

from studium.measure.autotag import google
from studium.media.image import decode


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    with serving(monkeypatch, tmp_path / "cache") as ours:
        client = google_client(ours)
        monkeypatch.setattr(google, "_client", lambda: client)
        yield ours


@pytest.fixture
def cat() -> "np.ndarray":
    return decode(fetch.photos() / "chelsea.png")
