"""Search of a study."""

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(tags=["search"])
