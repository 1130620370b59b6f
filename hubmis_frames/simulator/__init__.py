"""The simulated school and its HTTP server, which answers as HUBmis would.

It shows that this package agrees with itself and with the published document. It proves nothing
about HUBmis: every path but one, and the fields of every list, are inferred.
"""

from .rules import Answer, Asked, Rules
from .server import Simulator
from .world import World, build_world

__all__ = ["Answer", "Asked", "Rules", "Simulator", "World", "build_world"]
