"""Every SDK with every dialect behind the relay.

The plain run takes each SDK to its own dialect and to two others; the long one takes it to all. What is promised of a
conversation does not depend on the dialects between which it went: see plays.py.
"""

import pytest

import plays
from pairs import PAIRS
from players.talk import Refused
from relay import eventually

each_pair = pytest.mark.parametrize(("player", "upstream"), PAIRS)


@each_pair
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
class TestBothForms:
    def test_a_text_is_answered(self, player, upstream, endpoint, stream):
        play = plays.counts(upstream.model("plain"), system="Be brief.", stream=stream)
        answers = player.play(endpoint, play)
        plays.check_counted(answers)
        assert (answers[0].pieces > 1) == stream

    def test_a_tool_is_called_and_answered(self, player, upstream, endpoint, stream):
        play = plays.one_tool(upstream.model("plain"), stream=stream)
        plays.check_one_tool(player.play(endpoint, play))

    def test_parallel_tools_are_called_and_answered(self, player, upstream, endpoint, stream):
        play = plays.two_tools(upstream.model("plain"), stream=stream)
        plays.check_two_tools(player.play(endpoint, play))

    def test_thoughts_survive_a_tool_loop(self, player, upstream, endpoint, stream):
        """The sandbox refuses thoughts that come back changed, and calls whose thoughts are missing."""
        play = plays.long_talk(upstream.model("deep"), thinking=True, stream=stream)
        plays.check_long_talk(player.play(endpoint, play))

    def test_an_image_is_seen(self, player, upstream, endpoint, stream):
        play = plays.counts(
            upstream.model("plain"), turns=("What is this?",), image=plays.PIXEL, stream=stream
        )
        plays.check_image(player.play(endpoint, play))

    def test_a_schema_is_kept_to(self, player, upstream, endpoint, stream):
        play = plays.counts(
            upstream.model("deep"), turns=("Where is it?",), schema=plays.PLACE, stream=stream
        )
        plays.check_schema(player.play(endpoint, play))

    def test_the_client_is_told_what_is_booked(self, player, upstream, relay, own_endpoint, stream):
        """The books are read from the upstream's answer, so all three agree: sandbox, client, ledger."""
        endpoint, key = own_endpoint
        play = plays.one_tool(upstream.model("deep"), thinking=True, stream=stream)
        answers = player.play(endpoint, play)
        books = eventually(
            lambda: (found := relay.books(key)).completed == len(answers) and found, "all rows are booked"
        )
        assert books.input + books.cache_read + books.cache_write == sum(
            answer.usage.input for answer in answers
        )
        assert books.output == sum(answer.usage.output for answer in answers)
        assert books.estimated == 0


@each_pair
def test_thoughts_are_seen(player, upstream, endpoint):
    (answer,) = player.play(endpoint, plays.counts(upstream.model("deep"), thinking=True, stream=True))
    assert answer.text == plays.COUNTED
    if upstream.shows_thoughts:
        assert answer.thought


@pytest.mark.parametrize(
    ("player", "upstream"), [pair for pair in PAIRS if pair.values[0].can_count]
)
def test_tokens_are_counted(player, upstream, endpoint):
    """Where the upstream's dialect counts nothing, the relay estimates."""
    assert player.count(endpoint, plays.counts(upstream.model("plain"))) > 0


@each_pair
def test_a_stream_that_is_left_ends_at_the_upstream(player, upstream, relay, own_endpoint):
    """Left to itself the answer would take minutes; its row is written when the upstream's body is dropped."""
    endpoint, key = own_endpoint
    play = plays.counts(
        upstream.model("sandbox-slow-50"), turns=("Please count to 5000.",), stream=True
    )
    assert player.cancel(endpoint, play)
    books = eventually(lambda: (found := relay.books(key)).attempts and found, "the attempt is booked")
    assert (books.attempts, books.completed) == (1, 0)


@each_pair
def test_an_unknown_model_is_not_found(player, upstream, endpoint):
    with pytest.raises(Refused) as refused:
        player.play(endpoint, plays.counts(f"nobody-s-{upstream.dialect}"))
    assert refused.value.status == 404
