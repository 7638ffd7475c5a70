import numpy as np
import pytest

from studium.errors import InputError
from studium.measure.tags import Tags
from studium.networks.image_network import class_names


def test_none():
    found = Tags()([])
    assert found["tags"] == []
    assert found["tags_prob"].shape == (0, 5)


def test_photographs(photos):
    """MODELS.md of the design: coffee -> espresso .95, chelsea -> tiger cat .39."""
    found = Tags()([photos["coffee"], photos["chelsea"], photos["astronaut"]])
    assert [row[0] for row in found["tags"]] == ["espresso", "tiger cat", "football helmet"]
    np.testing.assert_allclose(found["tags_prob"][:, 0], [0.951, 0.386, 0.162], atol=0.002)
    assert found["tags_prob"].dtype == np.float32
    assert (np.diff(found["tags_prob"], axis=1) <= 0).all()


def test_all_thousand_sum_to_one(photos):
    found = Tags(top=1000)([photos["rocket"]])
    assert found["tags_prob"].sum() == pytest.approx(1, abs=1e-5)
    assert sorted(found["tags"][0]) == sorted(class_names())


def test_fewer_tags_are_the_first_of_more(photos):
    many, few = Tags(top=5)([photos["rocket"]]), Tags(top=2)([photos["rocket"]])
    assert few["tags"][0] == many["tags"][0][:2]
    np.testing.assert_array_equal(few["tags_prob"][0], many["tags_prob"][0][:2])


def test_names():
    names = class_names()
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[282], names[967]) == ("tench", "tiger cat", "espresso")
    assert (names[134], names[517]) == ("crane bird", "construction crane")


def test_columns():
    assert [(c.name, c.dtype, c.size) for c in Tags(top=3).columns] == [
        ("tags", "string", 3),
        ("tags_prob", "float32", 3),
    ]


@pytest.mark.parametrize("top", [0, -1, 1001, 2.5, True, "5"])
def test_impossible_numbers(top):
    with pytest.raises(InputError, match="1 to 1000"):
        Tags(top=top)
