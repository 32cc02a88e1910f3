"""What citizens and officers may type, by who fills it in."""
