"""Use cases that the console and the command line call alike. No web framework is imported here."""
