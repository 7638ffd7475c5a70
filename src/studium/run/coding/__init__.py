"""Coding by hand, of a study: samples drawn, tasks given, annotations kept, agreement, decisions, and files of others."""
