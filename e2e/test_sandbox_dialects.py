"""The sandbox itself, by the real SDKs: what the relay is tested against must be what the vendors' SDKs take."""

import pytest

import plays
from players import PLAYERS
from players.talk import Endpoint, Refused
from upstreams import UPSTREAMS, sandbox_base

each_player = pytest.mark.parametrize("player", PLAYERS, ids=repr)


@pytest.fixture
def endpoint(sandbox_server, player):
    return Endpoint(sandbox_server + sandbox_base(player.dialect, player.name), "dummy")


@pytest.fixture
def plain(player):
    return UPSTREAMS[player.dialect].plain


@pytest.fixture
def deep(player):
    return UPSTREAMS[player.dialect].deep


@each_player
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
class TestBothForms:
    def test_a_text_is_answered(self, player, endpoint, plain, stream):
        answers = player.play(endpoint, plays.counts(plain, system="Be brief.", stream=stream))
        plays.check_counted(answers)
        assert (answers[0].pieces > 1) == stream

    def test_tools_are_called_and_answered(self, player, endpoint, plain, stream):
        plays.check_long_talk(player.play(endpoint, plays.long_talk(plain, stream=stream)))

    def test_thoughts_go_through_a_tool_loop(self, player, endpoint, deep, stream):
        answers = player.play(endpoint, plays.long_talk(deep, thinking=True, stream=stream))
        plays.check_long_talk(answers)
        assert answers[0].thought

    def test_an_image_is_seen(self, player, endpoint, plain, stream):
        play = plays.counts(plain, turns=("What is this?",), image=plays.PIXEL, stream=stream)
        plays.check_image(player.play(endpoint, play))

    def test_a_schema_is_kept_to(self, player, endpoint, plain, stream):
        play = plays.counts(plain, turns=("Where is it?",), schema=plays.PLACE, stream=stream)
        plays.check_schema(player.play(endpoint, play))


@each_player
def test_usage_is_the_same_in_both_forms(player, endpoint, deep):
    whole, streamed = (
        player.play(endpoint, plays.counts(deep, thinking=True, stream=stream)) for stream in (False, True)
    )
    assert [answer.usage for answer in whole] == [answer.usage for answer in streamed]


@pytest.mark.parametrize("player", [player for player in PLAYERS if player.can_count], ids=repr)
def test_tokens_are_counted(player, endpoint, plain):
    assert player.count(endpoint, plays.counts(plain)) > 0


@each_player
def test_an_unknown_model_is_refused(player, endpoint):
    with pytest.raises(Refused) as refused:
        player.play(endpoint, plays.counts("no-such-model"))
    assert refused.value.status in (400, 404)


@each_player
@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_errors_are_the_sdk_s_own(player, endpoint, status):
    with pytest.raises(Refused) as refused:
        player.play(endpoint, plays.counts(f"sandbox-{status}"))
    assert refused.value.status == status


@each_player
def test_a_stream_may_be_left(player, endpoint):
    play = plays.counts("sandbox-slow-10", turns=("Please count to 1000.",), stream=True)
    assert player.cancel(endpoint, play)
