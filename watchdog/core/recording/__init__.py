"""Recordings: what a monitor was told and what it found, so that anybody can have it judged again."""
