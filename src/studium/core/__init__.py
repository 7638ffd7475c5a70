"""The data model: units, columns, recipes, the store, the study file and the codebook."""
