"""Which SDK meets which upstream in which run."""

import pytest

from players import PLAYERS
from upstreams import UPSTREAMS


def _is_short(number, player, position, upstream):
    """Its own dialect and two others, which change from SDK to SDK, so that all pairs of dialects are met."""
    count = len(UPSTREAMS)
    foreign = {(number + offset) % count for offset in (0, 2, 3)}
    return upstream.dialect == player.dialect or position in sorted(foreign)[:2]


PAIRS = [
    pytest.param(
        player,
        upstream,
        id=f"{player.name}-{upstream.dialect}",
        marks=() if _is_short(number, player, position, upstream) else pytest.mark.long,
    )
    for number, player in enumerate(PLAYERS)
    for position, upstream in enumerate(UPSTREAMS.values())
]
