"""What judges: it is told the time and the input, and imports no I/O, clock, randomness or logging."""
