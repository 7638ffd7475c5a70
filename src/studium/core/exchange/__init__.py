"""How answers to a codebook stand in files of other programs: what every reader and writer shares."""
