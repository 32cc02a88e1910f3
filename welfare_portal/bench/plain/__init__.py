"""What the portal is compared with: the same job, done as most teams would do it."""
