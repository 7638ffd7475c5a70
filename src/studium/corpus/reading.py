"""Reading a study: its units and tables, what was rolled up, found and lost, and its report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studium.core import audit, parameters
from studium.core.store import unit_of
from studium.corpus.opened import Opened
from studium.errors import InputError
from studium.run import gate, tables
from studium.run.attrition import attrition
from studium.run.download import links
from studium.run.exposure import Asked, exposure
from studium.run.lineage import Lineage
from studium.run.load import Loader
from studium.run.rolled import rolled_up
from studium.run.search import search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studium.run.similarity import Similarity


__all__ = ["Reading"]


class Reading(Opened):
    """A study folder, and everything that can be read from it. Nothing here computes what is kept."""

    def units(self, of: str) -> pa.Table:
        """The units of a kind, in the order in which they were added."""
        return self.store.units(of)

    def posts(self) -> pa.Table:
        """One row per post: ``unit`` and everything its source said."""
        return tables.posts(self.store)

    def attachments(self) -> pa.Table:
        """Where every medium was found: ``post``, ``media``, ``position``, ``path``, ``label``."""
        return self.store.attachments()

    def table(self, of: str, *names: str) -> pa.Table:
        """Tables side by side, one row per unit: ``unit``, ``path``, then every column.

        Args:
            of: kind of the units.
            *names: ``embed``, or ``embed:conse`` where there are several: the one with that parameter or key.
        """
        gate.clear(self.store, "read", of, names)
        return tables.joined(self.store, of, names)

    def rollup(self, to: str, *, of: str, by: str, rules: Mapping[str, str], made_by: str = "") -> pa.Table:
        """Many rows to one row: from media to the posts they are attached to, or from derived units to their parents.

        >>> corpus.rollup("post", of="image", by="colour", rules={"brightness_mean": "mean"})     # doctest: +SKIP

        Args:
            to: kind of the units that get a row each.
            of: kind of the units whose rows are rolled up.
            by: their table.
            rules: column -> "mean", "max", "share>0.5" ...; see `studium.core.rollup.RULES`.
            made_by: table of the split whose units count, such as "frames:2"; may be left out if ``of`` units come from
                one split alone, or if ``by`` is the table of a split.

        Returns:
            The id under ``to``'s name, ``n``, and for every column its value and ``<column>_missing``.
        """
        source, made = self._split(of, by, made_by)
        return rolled_up(self.store, to, source, rules, made)

    def exposure(self, of: str, *, by: str, to: str, **asked: str) -> pa.Table:
        """How long, how often and how large faces, objects, logos or text are to be seen: brand seconds, screen share.

        >>> corpus.exposure("object", by="logos", to="video", label="label")                 # doctest: +SKIP

        Args:
            of: kind of the units that are seen: "face", "object" or "line".
            by: their table, or that of the split that found them.
            to: "image", "frame", "video" or "post": what gets a row for each label, and one for all labels.
            **asked: ``label``, ``made_by``, ``frames``; see `studium.run.exposure.Asked`, and there the columns.
        """
        gate.clear(self.store, "exposure", of, [by])
        made = self._manifest.tables if self._manifest else {}
        return exposure(self.store, parameters.make("exposure", Asked, {"of": of, "by": by, "to": to, **asked}), made)

    def representation(self, **asked: Any) -> pa.Table:
        """Which perceived groups the faces, pictures, videos and posts show, with intervals and the networks' errors.

        Args:
            **asked: ``by``, ``ages``, ``smallest``, ``seed`` (the study's, if left out); see
                `studium.run.representation.Audit`. ``made_by`` names the split that found the faces, if several did;
                ``frames`` that which made the frames.
        """
        from studium.run.representation import Audit, representation

        made_by, frames = str(asked.pop("made_by", "")), str(asked.pop("frames", ""))
        audit = parameters.make("representation", Audit, {"seed": self.study.seed, **asked})
        return representation(self.store, audit, made_by, frames, self._manifest.tables if self._manifest else {})

    def search(
        self, of: str, *, text: str = "", image: str | Path = "", unit: str = "", by: str = "embed", k: int = 10
    ) -> pa.Table:
        """The ``k`` units nearest to a text, a picture or a unit.

        Columns ``unit``, ``text`` (of units that are text), ``path`` (of all but posts), ``start`` and ``end`` (of what
        was split from others, in seconds) and ``score`` (cosine), best first.

        Args:
            of: kind of the units searched.
            text: words; the table searched must hold joint image-text vectors, or text vectors.
            image: path of a picture.
            unit: id of a unit, in full or its first digits.
            by: table of vectors.
            k: how many.
        """
        given = {name: value for name, value in (("text", text), ("image", image), ("unit", unit)) if value}
        if len(given) != 1:
            raise InputError(f"search takes exactly one of text, image, unit; got {', '.join(given) or 'none'}")
        gate.clear(self.store, "search", of, [by])
        return search(self.store, of, by, given, k)

    def similarity(
        self, texts: Sequence[str] | str, *, of: str = "image", by: str = "embed", text_of: str = "post"
    ) -> "Similarity":
        """The cosines of all pictures with texts, as a matrix; its probabilities, the nearest both ways, or a file.

        >>> corpus.similarity(["a protest", "a parade"], by="embed:conse").probabilities()   # doctest: +SKIP
        >>> corpus.similarity("embed_text", by="embed:conse").write(Path("matrix.npy"))      # doctest: +SKIP

        Args:
            texts: a list of texts; or the name of a table of vectors of texts, by the model that shares the space.
            of: kind of the pictures.
            by: their table of vectors by a joint model, such as "embed:conse".
            text_of: kind of the units that are texts, if ``texts`` is a table: post, line or speech.
        """
        from studium.run.similarity import similarity

        gate.clear(self.store, "similarity", of, [by])
        asked = self.store.find(text_of, texts) if isinstance(texts, str) else texts
        return similarity(self.store, self.store.find(of, by), asked)

    def montage(self, of: str, units: Sequence[str], *, cell: int = 128) -> "NDArray[np.uint8]":
        """One sheet of pictures, RGB uint8, in reading order; see `studium.explore.montage`.

        Args:
            of: kind of the units.
            units: their ids; those that cannot be decoded are an error, so take them from a table.
            cell: side of one picture's square in px.
        """
        from studium.explore.montage import montage

        table = self.store.units(of)
        rows = {
            row["id"]: unit_of(row)
            for row in table.filter(pc.is_in(table["id"], pa.array(units, pa.string()))).to_pylist()
        }
        unknown = [unit for unit in units if unit not in rows]
        if unknown:
            raise InputError(f"no {of} unit with the id {unknown[0]!r}")
        above = Lineage(self.store, of).above(rows.values())
        with Loader(self.root, self._decoding, above) as loader:
            return montage([loader.load(rows[unit], "image", cell) for unit in units], cell=cell)

    def draw(self, of: str, *, by: str, to: str | Path, label: str = "") -> int:
        """Write copies of pictures with the faces, objects or lines in them marked; see `studium.run.drawn`.

        Args:
            of: kind of the units that are marked.
            by: their table.
            to: folder of the copies.
            label: column that is written beside each mark.

        Returns:
            How many pictures were written.
        """
        from studium.run.drawn import draw, marks_of

        marks = marks_of(self.store, self._table(of, by), label)
        return draw(self.store, marks, Path(to), self._decoding, self._watched(f"draw {by} of {of}"))

    def report(self) -> Path:
        """Write ``report/index.html``: one file that a colleague can open and print."""
        from studium.report import write

        return write(self)

    def downloads(self) -> pa.Table:
        """What became of every medium that a source names by URL, one row each; see `studium.run.download.links`."""
        return links.downloads(self.store)

    def attrition(self) -> pa.Table:
        """From URL or row to measured unit: ``author``, ``month``, ``kind``, ``outcome``, ``reason``, ``n``."""
        return attrition(self.store)

    def failures(self) -> pa.Table:
        """What could not be measured: ``unit``, ``kind``, ``path``, ``step``, ``error``, ``message``."""
        return tables.failures(self.store)

    def losses(self) -> pa.Table:
        """What sources could not use: ``source``, ``where``, ``error``, ``message``."""
        return tables.losses(self.store)

    def uses(self) -> list[audit.Entry]:
        """Every use and every refusal of recognition in this study, the oldest first; see `studium.core.audit`."""
        return audit.read(self.root / audit.NAME)

    def sql(self, query: str) -> pa.Table:
        """DuckDB over the whole study.

        Tables: ``units``, ``posts``, ``attachments``, and for every table ``image_colour`` (the one asked for last) and
        ``image_colour_81e549e3`` (by its key). Files and the network are out of reach.
        """
        for of, name in gate.spoken(self.store, query):
            gate.clear(self.store, "sql on", of, [name])
        return tables.sql(self.store, query)
