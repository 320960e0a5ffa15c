"""What the hub says: frames, SignalR records, updates; it imports nothing else of `core`."""
