"""`python -m settlement` is the `settlement` command."""

from settlement.cli import main

main()
