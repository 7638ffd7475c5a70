"""Annotations in the formats of other programs: a CSV table, Label Studio's tasks, COCO's boxes. Each way."""

from studium.coding.exchange.written import Written

__all__ = ["Written"]
