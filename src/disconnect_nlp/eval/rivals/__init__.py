"""Rivals trained on the same texts as the shipped models, calibrated and thresholded the same way. Never shipped."""
