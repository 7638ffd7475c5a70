from dataclasses import dataclass

import pytest

from studium.core import weights
from studium.core.recipe import Recipe, canonical, recipe_of
from studium.errors import InputError


def test_the_key_is_a_constant_of_the_recipe():
    """A changed key would compute every study anew: this value may only change on purpose."""
    assert Recipe("colour", "1", {"side": 512}).key == "d4e43224"
    assert Recipe("colour", "1", {"side": 512}).label == "colour-d4e43224"


def test_everything_that_decides_the_rows_changes_the_key():
    base = Recipe("embed", "1", {"model": "a"}, {"a": "ff"}, "")
    others = [
        Recipe("embed2", "1", {"model": "a"}, {"a": "ff"}),
        Recipe("embed", "2", {"model": "a"}, {"a": "ff"}),
        Recipe("embed", "1", {"model": "b"}, {"a": "ff"}),
        Recipe("embed", "1", {"model": "a"}, {"a": "fe"}),
        Recipe("embed", "1", {"model": "a"}, {"a": "ff"}, "digest"),
    ]
    assert len({recipe.key for recipe in [base, *others]}) == 6


def test_the_same_parameters_are_the_same_recipe():
    assert canonical({"b": (1, 2.0), "a": None}) == canonical({"a": None, "b": [1.0, 2]}) == '{"a":null,"b":[1,2]}'
    assert canonical({"x": 0.1 + 0.2}) == '{"x":0.30000000000000004}'
    assert canonical({"x": "é"}) == '{"x":"é"}'


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", float("nan"), float("inf")])
def test_what_cannot_be_written_down_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011  (InputError is one; json raises a plain one for NaN)
        canonical({"x": value})


def test_a_part_is_its_name_version_fields_and_weights():
    from studium.measure.embed import Embed
    from studium.measure.tags import Tags

    recipe = recipe_of(Tags(top=3))
    assert (recipe.name, recipe.params["top"]) == ("tags", 3)
    assert recipe_of(Tags(top=4)).key != recipe.key
    assert recipe_of(Embed()).models == {"efficientnet-lite0": weights.fingerprint("efficientnet-lite0")}


def test_a_part_must_be_a_dataclass():
    class Loose:
        name, version, models, paths = "loose", "1", (), ()

    with pytest.raises(InputError, match="frozen dataclass"):
        recipe_of(Loose())

    @dataclass(frozen=True)
    class Odd(Loose):
        what: object = object()

    with pytest.raises(InputError, match="a parameter must be text"):
        recipe_of(Odd())
