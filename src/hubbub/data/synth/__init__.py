"""Sounds made by code, and the dataset of them."""
