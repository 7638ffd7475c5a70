"""Experiments: models x tasks x folds on one shared test set, and what they show."""
