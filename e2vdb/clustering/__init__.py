"""Clusterings of calls by the sound of their feelings, kept by name as Arrow."""
