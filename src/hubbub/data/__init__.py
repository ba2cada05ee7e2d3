"""Datasets, splits, and sounds made by code."""
