"""The services, and the measures that talk to them."""

import fetch
import numpy as np
import pytest
from services import Services, google_client

from studium.measure.autotag import google
from studium.media.image import decode


@pytest.fixture
def services(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    client = google_client(services)
    monkeypatch.setattr(google, "_client", lambda: client)
    return services


@pytest.fixture
def cat() -> "np.ndarray":
    return decode(fetch.photos() / "chelsea.png")
