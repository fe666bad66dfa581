"""Sigill."""
