"""Attendance, wellbeing, and both together: pure functions of frames that fetch nothing."""
