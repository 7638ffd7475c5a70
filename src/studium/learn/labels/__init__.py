"""Labels: from what coders said to what a model learns."""
