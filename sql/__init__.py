"""The views, macros and example questions, one `.sql` file each."""
