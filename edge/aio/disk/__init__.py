"""The store on disk: one for all processes of a node, written by its keeper alone."""
