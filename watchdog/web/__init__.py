"""The web side: metrics, health, status as JSON and as a page, served from the watchdog's own loop."""
