"""Reads a topic in batches: runs a worker's handler, sets poison records aside, commits offsets."""
