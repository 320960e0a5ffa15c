"""Health and SLA watchdog of the BETCORE live feed."""

__version__ = "0.1.0"
