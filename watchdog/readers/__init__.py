"""What only reads a snapshot; it imports no hub, token, configuration or monitor."""
