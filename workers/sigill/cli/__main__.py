"""`python -m sigill.cli`."""

from sigill.cli import main

main()
