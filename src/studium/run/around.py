"""What belongs to a unit besides itself: the media of a post, and what is said in them."""

from collections.abc import Iterable, Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Store, unit_of
from studium.core.unit import Unit
from studium.run.lineage import FILES

__all__ = ["Around", "Surroundings"]

Around = Mapping[str, tuple[Unit, ...]]
"""By id: of a post its media in their order, of a medium its spoken segments by time."""


class Surroundings:
    """Looks up what belongs to units."""

    def __init__(self, store: Store) -> None:
        """Of a study."""
        self.store = store

    def of(self, units: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
        """What belongs to units, and to the media of posts among them."""
        units = list(units)
        posts = pa.array([unit.id for unit in units if unit.kind == "post"], pa.string())
        media = self._media(posts) if len(posts) else {}
        shown = {unit.id for found in media.values() for unit in found}
        shown |= {unit.parent or unit.id for unit in units if unit.kind in {"video", "audio", "shot"}}
        return media | self._said(sorted(shown))

    def _media(self, posts: pa.Array) -> dict[str, tuple[Unit, ...]]:
        rows = self._attachments.filter(pc.is_in(self._attachments["post"], value_set=posts))
        places = rows.select(["post", "position", "media"]).to_pylist()
        units = {
            row["id"]: unit_of(row)
            for table in self._files
            for row in table.filter(pc.is_in(table["id"], value_set=rows["media"])).to_pylist()
        }
        found: dict[str, dict[str, Unit]] = {}
        for place in sorted(places, key=lambda place: (place["post"], place["position"])):
            if place["media"] in units:
                found.setdefault(place["post"], {})[place["media"]] = units[place["media"]]
        return {post: tuple(media.values()) for post, media in found.items()}

    def _said(self, media: list[str]) -> dict[str, tuple[Unit, ...]]:
        speech = self._speech
        rows = speech.filter(pc.is_in(speech["parent"], value_set=pa.array(media, pa.string()))).to_pylist()
        found: dict[str, list[Unit]] = {}
        for row in sorted(rows, key=lambda row: (row["parent"], row["start"], row["end"])):
            found.setdefault(row["parent"], []).append(unit_of(row))
        return {medium: tuple(units) for medium, units in found.items()}

    @cached_property
    def _attachments(self) -> pa.Table:
        table = self.store.attachments()
        return table.filter(table["post"].is_valid())

    @cached_property
    def _files(self) -> list[pa.Table]:
        return [self.store.units(kind) for kind in FILES]

    @cached_property
    def _speech(self) -> pa.Table:
        """Spoken segments with a text; where there are several splits, those of the one that was asked for last."""
        units = self.store.units("speech")
        units = units.filter(units["text"].is_valid())
        counted = {
            table.recipe.label
            for kind in FILES
            for table in self.store.tables(kind)
            if "speech_count" in table.schema.names
        }
        splits = [table for table in self.store.tables("speech") if table.recipe.label in counted and table.begun]
        return units.filter(pc.is_in(units["id"], value_set=splits[-1].done())) if splits else units
