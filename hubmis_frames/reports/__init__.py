"""Pages and notebooks made from an export."""
