"""Heads learnt on embeddings alone: numpy in and out, no torch."""
