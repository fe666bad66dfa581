"""The decision API: who may see what, when, and why."""
