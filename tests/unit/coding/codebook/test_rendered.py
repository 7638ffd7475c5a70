"""The codebook for readers and for Label Studio: everything a coder reads stands in it, and nothing in it is markup."""

import html.parser
import re
from xml.etree import ElementTree as Xml

import pytest

from studium.coding.codebook import FORMATS, as_html, as_markdown, labeling_config, rendered
from studium.core.codebook import Codebook
from studium.core.unit import KINDS
from studium.core.variable import TYPES, Value, Variable
from studium.errors import InputError

HOSTILE = "</style><script>alert('x')</script> *a* `b` [c](d) | <e> & \"f\"\n# g"


def variable(name, kind="categorical", values="", **more):
    return Variable(name, more.pop("question", "What?"), more.pop("of", "image"), kind,
                    tuple(map(Value, values.split())), **more)  # fmt: skip


SCENE = Variable(
    *("scene", "What is it?", "image", "categorical"),
    (
        Value("animal", "A living one.", ("a dog",), (), ("insects.", "birds"), ("statues",), ("596aa1",)),
        Value("a, b"),
    ),
    none_of_these=True,
    instructions="Look twice.",
)
WILD = variable("wild", "binary", "yes no", only_if={"scene": ["animal"]})
BOOK = Codebook(
    (
        SCENE,
        WILD,
        variable("tags", "multilabel", "red blue", cannot_tell=False),
        variable("tone", "ordinal", "1 2 3"),
        variable("size", "ordinal", "small large", only_if={"wild": ["yes"], "scene": ["animal", "a, b"]}),
        variable("age", "continuous", low=0, high=110.5, sensitive=True),
        variable("remark", "text", cannot_tell=False),
        variable("seen", "boxes", "cat"),
        variable("same", "binary", "yes no", pairs=True),
        variable("better", "categorical", "left right", pairs=True),
        variable("fun", "binary", "yes no", of="post"),
    )
)


class Page(html.parser.HTMLParser):
    """Texts and tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_an_empty_codebook():
    assert as_markdown(Codebook()) == "# Codebook\n\nNo variable is defined yet.\n"
    assert "No variable is defined yet." in Page(as_html(Codebook())).texts
    with pytest.raises(InputError, match="no variable is about image units; the codebook is about none"):
        labeling_config(Codebook())


def test_markdown_word_for_word():
    assert as_markdown(Codebook((SCENE, WILD)), "A study") == (
        "# Codebook: A study\n\n## scene\n\n**What is it?**\n\nLook twice.\n\n"
        "Asked about each picture. Answer: one value.\n\n"
        "- `animal`: A living one.\n  - Include: insects.; birds\n  - Exclude: statues\n  - Examples: a dog\n"
        "  - Example units: `596aa1`\n- `a, b`\n- `none_of_these`: None of the values above.\n"
        "- *cannot tell*: It cannot be told from what is shown. Stored as a missing value that says who looked.\n\n"
        f"Definition `{SCENE.digest}`, type `categorical`.\n\n## wild\n\n**What?**\n\n"
        "Asked about each picture. Answer: one of two values; the first counts as 1.\n"
        "Asked only if `scene` is `animal`.\n\n- `yes`\n- `no`\n"
        "- *cannot tell*: It cannot be told from what is shown. Stored as a missing value that says who looked.\n\n"
        f"Definition `{WILD.digest}`, type `binary`.\n"
    )


def test_what_is_written_is_text_and_no_markup():
    value = Value("x`<i>`", HOSTILE, (HOSTILE,), (), (HOSTILE,))
    hostile = Variable("scene", HOSTILE, "image", "multilabel", (value,), instructions=HOSTILE)
    book = Codebook((hostile,))
    page = Page(as_html(book, HOSTILE))
    assert not {"script", "i", "e", "img", "link"} & {*page.tags}
    assert page.tags.count("style") == 1
    assert HOSTILE in page.texts
    text = as_markdown(book, HOSTILE)
    assert "<script" not in text.replace("\\<script", "")
    assert "\n# g" not in text
    assert "``` x`<i>` ```" in text or "`` x`<i>` ``" in text
    [choice] = [one for one in Xml.fromstring(labeling_config(book)).iter("Choice") if one.get("value") == value.name]
    assert choice.get("hint") == value.rule


def test_the_page_holds_all_that_coders_read():
    page = Page(as_html(BOOK, "A study"))
    said = " ".join(" ".join(page.texts).split())
    for words in (
        *("Codebook: A study", "What is it?", "Look twice.", "insects.", "statues", "a dog", "596aa1", "none_of_these"),
        *("a number from 0 to 110.5", "Sensitive", "each pair of pictures", "each post", "boxes drawn", "words of one"),
        *(one.digest for one in BOOK.variables),
    ):
        assert words in said
    assert re.search(r"Asked only if wild is “yes”\. Asked only if scene is “animal” or “a, b”\.", said)
    assert "@page" in as_html(BOOK)
    assert not re.search(r"https?:|src=|<script", as_html(BOOK))  # it stands alone


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_type_of_every_kind_is_rendered(kind, form):
    types = [one for one in TYPES if one != "boxes" or "image" in KINDS[kind]]
    values = {"binary": "a b", "continuous": "", "text": ""}
    book = Codebook(tuple(variable(one, one, values.get(one, "a b c"), of=kind) for one in types))
    text = rendered(book, form, of=kind)
    assert all(one.name in text for one in book.variables)


def test_what_label_studio_asks():
    """The tags of labelstud.io/tags; a project takes this, and Label Studio's own library finds it valid."""
    view = Xml.fromstring(labeling_config(BOOK))
    assert [(one.tag, dict(one.attrib)) for one in view.iter() if one.get("name")] == [
        ("Image", {"name": "unit", "value": "$image"}),
        ("Choices", {"name": "scene", "toName": "unit", "choice": "single-radio", "required": "true"}),
        ("Choices", {"name": "wild", "toName": "unit", "choice": "single-radio"}),
        ("Choices", {"name": "tags", "toName": "unit", "choice": "multiple", "required": "true"}),
        ("Rating", {"name": "tone", "toName": "unit", "maxRating": "3"}),
        ("Choices", {"name": "tone.instead", "toName": "unit", "choice": "single-radio"}),
        ("Choices", {"name": "size", "toName": "unit", "choice": "single-radio"}),
        ("Number", {"name": "age", "toName": "unit", "min": "0", "max": "110.5"}),
        ("Choices", {"name": "age.instead", "toName": "unit", "choice": "single-radio"}),
        ("TextArea", {"name": "remark", "toName": "unit", "rows": "3", "maxSubmissions": "1", "editable": "true"}),
        ("RectangleLabels", {"name": "seen", "toName": "unit", "canRotate": "false", "snap": "pixel"}),
        ("Choices", {"name": "seen.instead", "toName": "unit", "choice": "single-radio"}),
    ]
    offered = {one.get("name"): [c.get("value") for c in one] for one in view.iter() if one.tag == "Choices"}
    assert offered == {
        "scene": ["animal", "a, b", "none_of_these", "cannot_tell"],
        "wild": ["yes", "no", "cannot_tell"],
        "tags": ["red", "blue", "none_of_these"],
        "tone.instead": ["cannot_tell"],
        "size": ["small", "large", "cannot_tell"],
        "age.instead": ["cannot_tell"],
        "seen.instead": ["none_of_these", "cannot_tell"],
    }
    rules = [(one.get("whenTagName"), one.get("whenChoiceValue")) for one in view.iter() if one.get("visibleWhen")]
    assert rules == [("scene", "animal"), ("wild", "yes")]  # not "a, b": a comma parts values there


def test_what_label_studio_asks_of_pairs_and_texts():
    view = Xml.fromstring(labeling_config(BOOK, pairs=True))
    named = [
        (one.tag, one.get("name"), one.get("toName") or one.get("value")) for one in view.iter() if one.get("name")
    ]
    assert named == [
        ("Image", "left", "$image_left"),
        ("Image", "right", "$image_right"),
        ("Choices", "same", "left"),
        ("Pairwise", "better", "left,right"),
        ("Choices", "better.instead", "left"),
    ]
    texts = Xml.fromstring(labeling_config(BOOK, "post"))
    assert [(one.tag, one.get("value")) for one in texts.iter() if one.get("name")] == [
        ("Text", "$text"),
        ("Choices", None),
    ]


def test_what_label_studio_cannot_ask():
    with pytest.raises(InputError, match="no variable is about video units; the codebook is about image, pairs of"):
        labeling_config(BOOK, "video")
    with pytest.raises(InputError, match="has a value called 'cannot_tell'"):
        labeling_config(Codebook((variable("x", "binary", "yes Cannot_tell"),)))
    with pytest.raises(InputError, match="no format 'pdf' of a codebook; there are: markdown, html, label_studio"):
        rendered(BOOK, "pdf")
