"""Sounds of no class of ESC-50, made by code, to learn and to measure by what a listener does not know."""
