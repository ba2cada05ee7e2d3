"""Figures: arrays in, numbers out."""
