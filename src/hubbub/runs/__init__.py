"""What a training or an evaluation leaves behind, and what can be read off it."""
