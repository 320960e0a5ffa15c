"""What the watchdog costs and how exact it is, measured beside the clients it may be compared with."""
