"""A report as one HTML page, and the notebooks that it is made from."""
