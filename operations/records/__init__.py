"""Records of topics, found and shown to people."""
