"""The API as declarations, a module per section of the document. Nothing here fetches or flattens."""
# ruff: noqa: F403 - a module's star import brings its loaders alone, so that adding one edits no list

from .academic_structure import *
from .addresses import *
from .attendance import *
from .contacts import *
from .data import *
from .declaration import CATALOGUE as CATALOGUE
from .groups import *
from .houses import *
from .learning_support import *
from .pastoral import *
from .school import *
from .staff import *
from .student_details import *
from .students import *
from .timetables import *

# Not a plain assignment: mypy reads literals alone, and would take one that it cannot read for an empty list.
globals()["__all__"] = [endpoint.loader for endpoint in CATALOGUE.values()]
