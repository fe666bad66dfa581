"""Decisions become rows, timers, audit entries and outgoing events, in one transaction."""
