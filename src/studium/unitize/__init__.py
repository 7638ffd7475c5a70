"""Unitizers: one unit in, many units out."""
