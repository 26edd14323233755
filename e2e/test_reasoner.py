"""A vendor of Chat Completions whose models show their thoughts, and refuse a tool loop in which they are missing."""

import pytest

import plays
from players import PLAYERS
from upstreams import REASONER

pytestmark = [
    pytest.mark.parametrize("player", PLAYERS, ids=repr),
    pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"]),
]


def test_thoughts_survive_a_tool_loop(player, endpoint, stream):
    answers = player.play(endpoint, plays.long_talk(REASONER, thinking=True, stream=stream))
    plays.check_long_talk(answers)


def test_thoughts_are_seen(player, endpoint, stream):
    (answer,) = player.play(endpoint, plays.counts(REASONER, thinking=True, stream=stream))
    assert answer.text == plays.COUNTED
    assert answer.thought
