"""Foundation room: encryption, blind indexes and masking of personal data, and the log of who read it."""
