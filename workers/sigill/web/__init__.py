"""HTTP delivery: the decision API and the operators' console."""
