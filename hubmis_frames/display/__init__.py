"""How tables, progress and schools show themselves to a person."""
