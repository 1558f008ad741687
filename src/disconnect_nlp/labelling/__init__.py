"""Labels tables of any size: rows in, the same rows out with labels, resumable. Prints nothing."""

from disconnect_nlp.labellers.stream import label_stream
from disconnect_nlp.labelling.columns import find_text_column, find_text_columns
from disconnect_nlp.labelling.layout import Layout, layout_of
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.run import label_file
from disconnect_nlp.labelling.summary import Summary

__all__ = [
    "LabelOptions",
    "Layout",
    "Summary",
    "find_text_column",
    "find_text_columns",
    "label_file",
    "label_stream",
    "layout_of",
]
