"""`python -m hubbub` is the command `hubbub`."""

from hubbub.cli.main import main

if __name__ == "__main__":
    main()
