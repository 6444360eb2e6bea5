"""Evaluation of the shipped weights on test sets that no training saw (`python -m models.evaluate --help`)."""
