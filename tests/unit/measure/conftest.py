import checkpoints
import numpy as np
import pytest


@pytest.fixture(scope="session")
def photos(natural):
    return natural


@pytest.fixture(scope="session")
def hostile():
    """Pictures of awkward sizes in noise, one colour and extreme colours."""
    rng = np.random.default_rng(1)
    sizes = [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
        (1, 7),
        (3, 3),
        (5, 4),
        (1, 5000),
        (5000, 1),
        (3, 2000),
        (65, 1),
        (700, 513),
    ]
    paints = {
        "noise": lambda shape: rng.integers(0, 256, shape),
        "black": np.zeros,
        "white": lambda shape: np.full(shape, 255),
        "blue": lambda shape: np.full(shape, [0, 0, 255]),
        "corners": lambda shape: rng.choice([0, 255], shape),
    }
    return {(h, w, name): paint((h, w, 3)).astype(np.uint8) for h, w in sizes for name, paint in paints.items()}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Folders of tiny encoders in the hub's format, by name; not to be changed."""
    top = tmp_path_factory.mktemp("tiny")
    names = ("clip", "siglip", "siglip2", "dinov2", "vit", "resnet", "sentences")
    return {name: getattr(checkpoints, name)(top / name) for name in names}


@pytest.fixture(scope="session")
def exported(tiny, tmp_path_factory):
    """Folders of the same encoders as ONNX, by name; not to be changed."""
    top = tmp_path_factory.mktemp("exported")
    made = {name: checkpoints.export(tiny[name], top / name) for name in ("clip", "siglip", "dinov2", "sentences")}
    for precision in ("float16", "int8"):
        checkpoints.export(tiny["siglip"], top / "siglip", precision)
    return made
