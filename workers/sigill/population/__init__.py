"""A whole population: made up, loaded, rehearsed, and held against a change of rules."""
