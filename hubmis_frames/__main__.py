"""Run the command ``hubmis-frames`` as ``python -m hubmis_frames``."""

import sys

from .cli.command import main

sys.exit(main())
