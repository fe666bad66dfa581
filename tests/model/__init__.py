"""A model that nobody tuned to: the rules once more, small and slow, and a machine that plays both."""
