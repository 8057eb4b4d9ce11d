"""The door to the command line: what it loads takes a moment, and Ctrl-C in that moment is no accident."""

import sys


def main() -> int:
    """Run `montage` and return its exit code."""
    try:
        from functions.local.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
