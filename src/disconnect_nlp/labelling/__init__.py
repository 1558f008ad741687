"""Labels tables of any size: rows in, the same rows out with labels, resumable. Prints nothing."""
