"""What is computed from clips once and kept."""
