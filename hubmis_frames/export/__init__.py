"""Tables to Parquet: what to ask for, what it costs, files that are whole or absent, and a manifest."""

from .plan import CORE, Step, plan, steps_of
from .read import read
from .refresh import WINDOW
from .run import Choices, export

__all__ = ["CORE", "WINDOW", "Choices", "Step", "export", "plan", "read", "steps_of"]
