"""Evaluation: how good predictions are, how sure that is, and where to draw the line."""
