"""The reading view: page through a labelled table in a browser, correct its labels, compare two readers."""
