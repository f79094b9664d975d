"""`python -m tests.bench`. Imports nothing by itself: child processes import this module again."""

if __name__ == "__main__":
    from tests.bench.sections import main

    main()
