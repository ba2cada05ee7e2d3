"""Learning: the one room where torch lives."""
