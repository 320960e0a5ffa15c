"""A statement for people and programs: HTML, PDF, CSV and JSON of the same figures."""
