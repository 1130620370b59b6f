"""A report as one HTML page, and the notebooks that users copy."""
