"""The machine below us: clock, signals, log, HTTP requests; of ours it imports only `core`."""
