"""Pages that are one file: text, pictures, sounds and scripts, for reports and for the service."""
