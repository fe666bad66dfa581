"""What the support desk keeps in a list today, taken into the store: read, judged row by row, written with its origin."""
