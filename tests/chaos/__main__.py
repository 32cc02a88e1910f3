"""`python -m tests.chaos --seed 7 [--seed 8]`: exit code 0 only when every run holds."""

import sys

from tests.chaos.command import main

if __name__ == "__main__":
    sys.exit(main())
