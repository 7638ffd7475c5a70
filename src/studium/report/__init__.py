"""The static study report: one HTML file."""
