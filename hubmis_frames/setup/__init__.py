"""Settings, credentials, and finding out whether a school can be reached."""
