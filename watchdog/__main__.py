"""`python -m watchdog` is the same as `betcore-watchdog`."""

import sys

from watchdog.cli import main

if __name__ == "__main__":
    sys.exit(main())
