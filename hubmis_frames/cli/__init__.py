"""The command ``hubmis-frames``: arguments, progress and exit statuses."""
