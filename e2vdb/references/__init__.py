"""Reference sets: named lists of calls, and how close every other call is to them."""
