"""The evaluation harness: any labeller on any labelled texts, with intervals. Run ``python -m disconnect_nlp.eval``."""
