"""Data files; read without torch."""
