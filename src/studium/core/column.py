"""One column of a table: its name, type, unit, range and where its definition was published."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studium.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DTYPES", "Column"]

DTYPES = ("bool", "int32", "int64", "float16", "float32", "float64", "string", "binary")


@dataclass(frozen=True, slots=True)
class Column:
    """What a measure writes, said once.

    Attributes:
        name: lower snake case, unique among the measures of a study.
        dtype: one of `DTYPES`; the type of one value, or of one element if ``size`` is set.
        about: one line for a reader of the codebook.
        unit: "px", "s", "share", "bits" ...; empty if it has none.
        low: smallest possible value, or None.
        high: largest possible value, or None.
        size: elements of a fixed-size list (a vector), or None for a scalar.
        source: DOI or reference of the definition.
        sensitive: True for what may only be shown and exported with care (perceived traits of people).
    """

    name: str
    dtype: str
    about: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    size: int | None = None
    source: str = ""
    sensitive: bool = False

    def __post_init__(self) -> None:
        """Refuse types that the store does not know."""
        if self.dtype not in DTYPES:
            raise InputError(f"column {self.name!r}: unknown dtype {self.dtype!r}; known: {', '.join(DTYPES)}")

    def arrow(self) -> "pa.Field":
        """The Arrow field of this column."""
        import pyarrow as pa

        kind = pa.type_for_alias(self.dtype)
        return pa.field(self.name, pa.list_(kind, self.size) if self.size else kind)
