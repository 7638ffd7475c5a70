"""Clusterings judged by people: pairs of units, coded as the same or not.

``draw_pairs`` draws the pairs, ``cohesion`` reads the codes. See docs/validate-clusters.md for the whole path.
"""

from studium.coding.pairs.cohesion import MEASURES, Change, Cohesion, Figure, cohesion
from studium.coding.pairs.draw import WEIGHTINGS, Pairs, draw_pairs, pairs_of

__all__ = ["MEASURES", "WEIGHTINGS", "Change", "Cohesion", "Figure", "Pairs", "cohesion", "draw_pairs", "pairs_of"]
