"""What e2vdb's speed and size are, measured in one run on the same files."""
