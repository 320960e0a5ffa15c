"""One held-open subscription, from the feed's supervisor down to the socket; it imports no reader."""
