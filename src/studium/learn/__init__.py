"""Learning: what models are trained with."""
