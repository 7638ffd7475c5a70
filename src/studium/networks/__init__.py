"""Networks: what loads and holds them, from the package index, a folder or the hub."""
