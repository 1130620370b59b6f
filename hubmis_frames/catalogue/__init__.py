"""The list of operations, its search, and the loaders' docstrings."""
