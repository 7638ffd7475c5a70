"""What people, and machines, say about units: which are coded, and how far coders agree."""
