"""Listens: windows of sound through a model file, to names. No torch."""
