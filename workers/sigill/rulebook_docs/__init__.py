"""Rulebooks as documents: reading the files, linting, comparing, and pages for their owners."""
