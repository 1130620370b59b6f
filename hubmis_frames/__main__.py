"""``python -m hubmis_frames``: the same as the command ``hubmis-frames``."""

import sys

from .cli.command import main

sys.exit(main())
