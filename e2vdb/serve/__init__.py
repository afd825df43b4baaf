"""Answers a published DuckDB file over DuckDB's Quack protocol: reading only, with a token."""
