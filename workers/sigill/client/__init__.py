"""
For those who ask thousands of times a second: a local copy of `access.state.v1`, and decisions in their own process.

The same pure core answers as in Sigill itself, so both always agree.
"""

from sigill.client.copy import LocalCopy, NotHere, TooEarly
from sigill.client.follow import follow
from sigill.policy.access import Brief

__all__ = ["Brief", "LocalCopy", "NotHere", "TooEarly", "follow"]
