"""Fuzzing for everything that reads what the provider sends: `python -m fuzz HARNESS` with atheris."""
