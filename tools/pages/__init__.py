"""Pages of the documents that are written by the code that they describe."""
