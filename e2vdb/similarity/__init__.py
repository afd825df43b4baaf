"""Nearest neighbours by cosine: exact by proof, approximate by index."""
