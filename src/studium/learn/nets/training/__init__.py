"""The training loop of all networks: batches in, the best epoch out, and checkpoints to go on from."""
