"""TOML into frozen structs, or every mistake at once; of ours it imports only `core`."""
