"""`python -m stigmer.cli`: the command line where its script is not on the path."""

from __future__ import annotations

import sys

from stigmer.cli.main import main

sys.exit(main())
