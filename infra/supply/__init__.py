"""What Sigill is made of: bills of materials, and known vulnerabilities in them."""
