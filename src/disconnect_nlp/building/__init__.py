"""Fits the shipped models from the corpus and the labels of the public passages."""
