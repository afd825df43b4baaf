"""The time zone of the test publication."""

ZONE = "Europe/Berlin"
"""A zone with summer time, so that its UTC differs by season."""
