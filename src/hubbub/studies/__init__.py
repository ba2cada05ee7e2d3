"""Questions that are answered by runs: a dataset and a recipe in, a table out."""
