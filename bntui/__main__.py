"""`python -m bntui`."""

from bntui.cli import main

if __name__ == "__main__":
    main()
