"""Aids for development: a throw-away certificate authority, signing, generated reference pages."""
