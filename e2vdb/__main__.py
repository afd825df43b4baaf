"""`python -m e2vdb` is the `e2vdb` command."""

from e2vdb.cli.app import main

if __name__ == "__main__":
    main()
