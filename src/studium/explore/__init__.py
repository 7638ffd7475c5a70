"""What is found among many units: clusters, duplicates, neighbours, maps. Arrays in, arrays out."""
