"""Linear maps from voice to another space, such as that of sentence embeddings."""
