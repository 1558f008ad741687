"""Everything that gives labels to Docs: the lexicon baseline and the classifier, behind one interface."""
