"""Coding by hand, of a study: samples, tasks, annotations kept, agreement, decisions, and files of others."""
