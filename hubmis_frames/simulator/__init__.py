"""A simulated school and its HTTP server, which answers as HUBmis would.

It shows that this package agrees with itself and with the published document. It proves nothing about HUBmis itself:
all paths but one, and the fields of every list, are inferred.
"""

from .profiles import PROFILES, Profile
from .rules import UNFELT, Rules, SimulatedRequest, SimulatedResponse
from .server import Simulator
from .world import World, build_world

__all__ = [
    "PROFILES",
    "UNFELT",
    "Profile",
    "Rules",
    "SimulatedRequest",
    "SimulatedResponse",
    "Simulator",
    "World",
    "build_world",
]
