"""Scenarios: stories that a rule owner can read, played against the real program."""
