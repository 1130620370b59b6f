"""HUBmis as tidy pandas DataFrames."""
