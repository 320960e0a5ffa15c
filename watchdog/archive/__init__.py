"""What outlives the process: the history of every game, in a file. It imports `runtime` and `core` only."""
