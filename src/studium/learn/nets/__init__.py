"""Networks that are fine-tuned: pictures, texts and both."""
