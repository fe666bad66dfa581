"""
`sigill dev up`: all of Sigill on this machine, with a small record system in the browser beside it. For trials only.

Nothing of what runs in production may import this room (the layers of `pyproject.toml`).
"""
