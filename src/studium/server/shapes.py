"""Shapes that many routes share: a page of a list, and what is asked of one."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field, StringConstraints

__all__ = ["Name", "Page", "Paging"]

_T = TypeVar("_T")


class Page(BaseModel, Generic[_T]):
    """Part of a list.

    Attributes:
        items: the part.
        total: length of the whole list.
        offset: how many come before the part.
        limit: how many were asked for.
    """

    items: list[_T]
    total: int = Field(ge=0)
    offset: int = Field(ge=0)
    limit: int = Field(ge=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    offset: int
    limit: int


async def _asked(
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> _Asked:
    return _Asked(offset, limit)


Paging = Annotated[_Asked, Depends(_asked)]
"""Of a parameter: which part of a list is asked for, as ``.offset`` and ``.limit``."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
"""Of a field: a name that is one line, and can stand in an address."""
