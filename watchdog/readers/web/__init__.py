"""The web side, served from the watchdog's own loop; it is handed what it shows and imports no `app`."""
