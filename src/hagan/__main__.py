"""`python -m hagan`."""

from hagan.cli.main import main

main()
