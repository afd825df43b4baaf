"""Distilled vectors: a PCA of unit-length embeddings, stored with the database as Arrow."""
