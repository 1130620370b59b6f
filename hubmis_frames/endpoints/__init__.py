"""The API as declarations, a module per section of the document. Nothing here fetches or flattens."""
