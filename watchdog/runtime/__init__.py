"""The machine below us: clock, signals, log, HTTP requests; of our own packages it imports only `core`."""
