"""The LanceDB database: its tables, its commits, its history."""
