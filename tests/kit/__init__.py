"""What tests are built from: services, invented people, a certificate authority, actors."""
