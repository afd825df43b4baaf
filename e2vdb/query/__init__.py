"""DuckDB over the stored tables: snapshots, relations, functions, statements."""
