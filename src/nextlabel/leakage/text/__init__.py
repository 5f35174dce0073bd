"""Language models: where tokens enter, and which tokens fit."""
