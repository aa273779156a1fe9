"""`python -m workwire` is the command line."""

from workwire.cli import main

main()
