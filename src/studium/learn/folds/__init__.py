"""Folds: a shared test set and folds that part no group."""
