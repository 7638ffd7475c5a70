"""What people look at: pages of units, facets, maps, clusters, timelines; read from a study, and nothing written."""
