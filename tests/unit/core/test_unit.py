import hashlib

import pytest

from studium.core.unit import KINDS, Span, Unit, content_id, derived_id, kinds_offering, post_id
from studium.errors import InputError


def test_content_is_named_by_its_sha256():
    assert content_id(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert content_id(b"x") == hashlib.sha256(b"x").hexdigest()


def test_a_post_is_named_by_its_id_on_its_platform():
    assert post_id("1") == post_id("1", "")
    assert len({post_id("1"), post_id("2"), post_id("1", "tiktok"), post_id("1tiktok")}) == 4


def test_a_derived_unit_is_named_by_whole_microseconds_and_pixels():
    frame = derived_id("a" * 64, "frame", Span(start=3.0))
    assert frame == derived_id("a" * 64, "frame", Span(start=3.0000000004))
    assert frame != derived_id("a" * 64, "frame", Span(start=3.000001))
    assert frame != derived_id("b" * 64, "frame", Span(start=3.0))
    assert frame != derived_id("a" * 64, "shot", Span(start=3.0))


def test_what_is_written_in_a_span_is_not_its_identity():
    box = (0, 0, 10, 10)
    assert derived_id("a", "line", Span(box=box, text="one")) == derived_id("a", "line", Span(box=box, text="two"))
    assert derived_id("a", "line", Span(box=box)) != derived_id("a", "line", Span(box=(0, 0, 10, 11)))


@pytest.mark.parametrize("span", [{"start": 2, "end": 1}, {"box": (5, 0, 5, 10)}, {"box": (0, 9, 10, 3)}])
def test_spans_upside_down_are_refused(span):
    with pytest.raises(InputError):
        Span(**span)


def test_every_kind_offers_something_and_unknown_kinds_are_refused():
    assert all(KINDS.values())
    assert kinds_offering("image") == ["image", "frame", "face", "object", "line"]
    assert kinds_offering("smell") == []
    with pytest.raises(InputError, match="known: post, image"):
        Unit("1", "picture")
