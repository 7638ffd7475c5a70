"""Learning: from labels to models, and what they are worth."""
