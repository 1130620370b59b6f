"""The API as declarations, a module per section of the document. Nothing here fetches or flattens."""
# ruff: noqa: F403 - a star import brings only the loaders of a module, so that a new one needs no edit here

from .academic_structure import *
from .addresses import *
from .attendance import *
from .contacts import *
from .data import *
from .declaration import CATALOGUE as CATALOGUE
from .further import FURTHER as FURTHER
from .groups import *
from .houses import *
from .learning_support import *
from .pastoral import *
from .school import *
from .staff import *
from .student_details import *
from .students import *
from .timetables import *

# Not a plain assignment: mypy only reads literals, and would take anything else for an empty list.
globals()["__all__"] = [endpoint.loader for endpoint in CATALOGUE.values()]
