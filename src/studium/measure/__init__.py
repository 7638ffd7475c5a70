"""What is measured on one unit: one family per file."""
