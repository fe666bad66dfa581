"""What every server of ours needs: authentication, headers, TLS, the protocol's limits."""
