"""TOML into frozen structs, or every mistake at once; of our own packages it imports only `core`."""
