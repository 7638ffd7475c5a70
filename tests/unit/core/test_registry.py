import pytest

from studium.core import registry
from studium.core.protocols import Measure, Source
from studium.errors import InputError, UnknownNameError


def test_every_registered_part_loads_and_is_what_its_group_says():
    for group, kind in (("measures", Measure), ("sources", Source)):
        assert registry.names(group)
        for name in registry.names(group):
            part = registry.load(group, name)
            assert issubclass(part, kind)
            assert part.name == name


def test_unknown_names_list_what_there_is():
    with pytest.raises(UnknownNameError, match=r"no measure named 'colour_of_magic'; there are: .*colour"):
        registry.load("measures", "colour_of_magic")
    with pytest.raises(UnknownNameError, match="measures, unitizers, sources"):
        registry.names("things")


def test_unknown_parameters_list_what_there_is():
    with pytest.raises(InputError, match="tags has no parameter tpo; it has: top"):
        registry.make("measures", "tags", {"tpo": 3})
    with pytest.raises(InputError, match="folder"):
        registry.make("sources", "folder", {})


def test_two_packages_of_one_name_are_refused(tmp_path, monkeypatch):
    for package in ("one", "two"):
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[studium.measures]\nmine = {package}:Mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=r"two installed packages register the measure 'mine'"):
        registry.load("measures", "mine")
