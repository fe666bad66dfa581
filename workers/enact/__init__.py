"""The one place where a decision becomes deeds: rows, timers, audit entries and outgoing messages."""
