"""Autotaggers of other companies as measures. Pictures leave the machine, so the user has to allow it."""
