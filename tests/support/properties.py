"""How long property tests search. ``PROPERTY_EXAMPLES=5000`` searches longer, with another seed each time."""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")  # not into the checkout
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))

indexes = st.integers(0, 20)
"""Which of the things that there are by then, counted round."""


def profile(examples: int, steps: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        stateful_step_count=steps,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],  # shrinking takes minutes
    )
