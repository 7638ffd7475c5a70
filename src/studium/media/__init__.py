"""Decoding: the only place that turns files into arrays."""
