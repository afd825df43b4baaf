"""Makes `build.py`, the builders of output directories, importable from every test folder."""
