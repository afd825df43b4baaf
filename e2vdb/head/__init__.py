"""A classifier head: the linear layer that gives any vector its nine emotion scores."""
