"""Changes sounds the way that rooms, microphones and chance do, and keeps their labels."""
