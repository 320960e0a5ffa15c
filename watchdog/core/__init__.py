"""What judges: it is handed the time and the input, and imports no I/O, clock, randomness or logging."""
