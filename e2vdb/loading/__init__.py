"""From directories and metadata files to commits."""
