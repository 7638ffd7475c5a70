"""Reading a report as a strict reader would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}
LINKS = {"href", "src", "action", "data", "poster", "srcset", "xlink:href"}


@dataclass
class Page:
    """What a page holds."""

    links: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[dict[str, str | None]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    unnamed: int = 0
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute twice: {attrs}"
        self.page.tags.add(tag)
        self.page.events += [name for name in given if name.startswith("on")]
        self.page.links += [(tag, value or "") for name, value in attrs if name in LINKS]
        if tag == "img":
            self.page.pictures.append(given)
        if given.get("role") == "img" and not given.get("aria-label"):
            self.page.unnamed += 1
        if "id" in given:
            self.page.ids.append(given["id"] or "")
        if tag in {"h1", "h2", "h3", "h4"}:
            self.page.headings.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.page.text += data


def read(html: str) -> Page:
    """Parse a page; it must be balanced, loading nothing, and every picture must be named."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    page = reader.page
    assert len(set(page.ids)) == len(page.ids), "an id twice"
    for tag, link in page.links:
        inside = link.startswith(("#", "data:image/"))
        assert inside or (tag == "a" and link.startswith("https://doi.org/10.")), f"{tag} leads to {link[:80]}"
        assert not link.startswith("#") or link[1:] in page.ids, f"no element {link}"
    assert not {"script", "iframe", "object", "embed", "link"} & page.tags
    assert not page.events
    assert not page.unnamed
    assert all(picture.get("alt") for picture in page.pictures)
    assert page.headings[0] == "h1"
    assert page.headings.count("h1") == 1
    for before, after in zip(page.headings, page.headings[1:], strict=False):
        assert int(after[1]) <= int(before[1]) + 1, "a level of heading is left out"
    return page
