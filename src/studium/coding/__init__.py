"""What people, and machines, say about units: how far coders agree."""
