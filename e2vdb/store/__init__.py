"""The LanceDB database: its tables, its commits, its history."""

import os

# Lance warns on stderr of matters that its users cannot change, such as empty partitions.
os.environ.setdefault("LANCE_LOG", "error")
