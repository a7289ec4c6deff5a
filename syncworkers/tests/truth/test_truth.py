"""Whatever happens, at the end the tables of all ten families hold what is true.

A seed that fails replays: `SOAK_SEED=17 make soak`.
"""

from __future__ import annotations

import pytest

from tests.seeds import seeds

from .story import Story


def told(story: Story, steps: int, seed: int) -> None:
    try:
        story.play(steps)
        found = story.end()
    except BaseException:
        print(*story.script, sep="\n")
        raise
    script = "\n".join(story.script)
    lines = "\n".join(map(str, found[:40]))
    assert not found, f"seed {seed}: {len(found)} differences\n{lines}\n\n{script}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(2))
def test_the_tables_hold_what_is_true(tell, seed):
    told(tell(seed, accounts=1), 8, seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", seeds(3))
def test_the_tables_hold_what_is_true_after_a_long_time(tell, seed):
    told(tell(seed, accounts=1 + (seed % 4 == 0)), 30, seed)
