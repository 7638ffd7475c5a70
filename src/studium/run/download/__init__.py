"""Downloading what sources name by URL."""
