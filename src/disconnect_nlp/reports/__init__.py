"""Reports on a labelled table: summarise, plot, render. Reads what ``label`` wrote; labels nothing itself."""
