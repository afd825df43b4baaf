"""Watching a folder: finished directories become rows at once, and calls of concern alerts."""
