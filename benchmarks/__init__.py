"""What the watchdog costs and how exact it is, measured next to comparable clients."""
