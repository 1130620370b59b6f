"""``python -m hubmis_frames``: the same as the command ``hubmis-frames``."""

import sys

from .cli import main

sys.exit(main())
