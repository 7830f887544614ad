"""Training: its order of events, compiled models and their cache, and two loops over batches."""
