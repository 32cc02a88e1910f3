"""Officers' pages about payout batches: lists of them, one of them, the acts on it, and its approval."""
