"""The spaCy side: tokens, sentences, lexicon matches and their assertion status. Knows no model and no file format."""
