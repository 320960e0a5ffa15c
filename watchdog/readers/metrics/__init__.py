"""A snapshot as Prometheus text; only this package imports the Prometheus client."""
