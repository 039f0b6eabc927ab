"""`python -m rebalancer` is the command line."""

from rebalancer.cli import main

if __name__ == "__main__":
    main()
