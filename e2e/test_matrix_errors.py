"""Errors reach each SDK as the exception that it has for them."""

import itertools

import httpx
import pytest

import plays
from pairs import PAIRS
from players import PLAYERS
from players.talk import Endpoint, Refused
from relay import eventually
from upstreams import relay_base

# Names that are taken once: an account that has failed is left alone for a while.
NUMBERS = itertools.count()

OPENAI = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    413: "APIStatusError",
    429: "RateLimitError",
    503: "InternalServerError",
}
ANTHROPIC = OPENAI | {413: "ContentTooLargeError", 529: "OverloadedError"}
GOOGLE = {status: "ServerError" if status >= 500 else "ClientError" for status in OPENAI}
AMAZON = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    413: "ValidationException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
KINDS = {
    "py-anthropic": ANTHROPIC,
    "py-openai-chat": OPENAI,
    "py-openai-responses": OPENAI,
    "py-google-genai": GOOGLE,
    "py-boto3": AMAZON,
    "js-anthropic": ANTHROPIC,
    "js-openai-chat": OPENAI | {413: "APIError"},
    "js-openai-responses": OPENAI | {413: "APIError"},
    "js-google-genai": dict.fromkeys(OPENAI, "ApiError"),
    "ai-anthropic": dict.fromkeys(ANTHROPIC, "AI_APICallError"),
    "ai-openai": dict.fromkeys(OPENAI, "AI_APICallError"),
    "ai-google": dict.fromkeys(OPENAI, "AI_APICallError"),
}
# Only Anthropic's API has a status of its own for overload.
OVERLOADED = {"messages": 529}

each_player = pytest.mark.parametrize("player", PLAYERS, ids=repr)
each_pair = pytest.mark.parametrize(("player", "upstream"), PAIRS)
both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def check_refused(player, endpoint, play, status):
    with pytest.raises(Refused) as refused:
        player.play(endpoint, play)
    assert refused.value.status == status
    assert refused.value.kind == KINDS[player.name][status]
    assert refused.value.message


@pytest.fixture
def faulty(faults, upstream, player):
    """Makes an account at the upstream whose only model shows a fault; gives the model's name."""

    def make(fault):
        relay, key = faults
        name = f"f{next(NUMBERS)}"
        model = f"{name}-{fault}-via-{upstream.dialect}"
        relay.cli(
            *("accounts", "add", "--preset", upstream.preset, "--name", name),
            *("--allow", model, "--map", f"{model}={fault}"),
        )
        # A new account is known to a running relay within a second.
        eventually(lambda: model in models(relay, key), f"{model} is served", patience=10)
        endpoint = Endpoint(relay.url + relay_base(player.dialect, player.name), key.secret)
        return endpoint, model

    return make


def models(relay, key):
    headers = {"authorization": f"Bearer {key.secret}"}
    listed = httpx.get(f"{relay.url}/openai/v1/models", headers=headers, trust_env=False).json()
    return [model["id"] for model in listed["data"]]


@both_forms
@each_pair
def test_a_prompt_that_is_too_long_is_a_400(player, upstream, faulty, stream):
    endpoint, model = faulty("sandbox-400")
    check_refused(player, endpoint, plays.counts(model, stream=stream), 400)


@both_forms
@each_pair
def test_a_rate_limit_is_a_429(player, upstream, faulty, stream):
    endpoint, model = faulty("sandbox-429")
    check_refused(player, endpoint, plays.counts(model, stream=stream), 429)


@both_forms
@each_pair
def test_overload_has_the_dialect_s_status(player, upstream, faulty, stream):
    endpoint, model = faulty("sandbox-529")
    check_refused(player, endpoint, plays.counts(model, stream=stream), OVERLOADED.get(player.dialect, 503))


@each_pair
def test_an_account_s_own_401_is_no_401(player, upstream, faulty):
    """The client's key is good: it is the account that has to be seen to."""
    endpoint, model = faulty("sandbox-401")
    with pytest.raises(Refused) as refused:
        player.play(endpoint, plays.counts(model))
    assert refused.value.status not in (401, 403)
    assert refused.value.status >= 500


@each_player
def test_an_unknown_key_is_a_401(player, faults):
    relay, _ = faults
    endpoint = Endpoint(relay.url + relay_base(player.dialect, player.name), "cr_" + "0" * 64)
    if player.dialect == "converse":
        # AWS answers 403, with a code that its SDK has no class for.
        with pytest.raises(Refused, match="UnrecognizedClient|not known") as refused:
            player.play(endpoint, plays.counts("plain-via-messages"))
        assert (refused.value.status, refused.value.kind) == (403, "ClientError")
    else:
        check_refused(player, endpoint, plays.counts("plain-via-messages"), 401)


@each_player
def test_a_revoked_key_is_a_403(player, faults, revoked_key):
    relay, _ = faults
    endpoint = Endpoint(relay.url + relay_base(player.dialect, player.name), revoked_key.secret)

    def is_forbidden():
        with pytest.raises(Refused) as refused:
            player.play(endpoint, plays.counts("plain-via-messages"))
        return refused.value.status == 403

    eventually(is_forbidden, "a revoked key is refused", patience=10)
    check_refused(player, endpoint, plays.counts("plain-via-messages"), 403)


@each_player
def test_a_model_that_nobody_serves_is_a_404(player, faults):
    relay, key = faults
    endpoint = Endpoint(relay.url + relay_base(player.dialect, player.name), key.secret)
    check_refused(player, endpoint, plays.counts("nobody-s-model"), 404)


@each_player
def test_a_body_that_is_too_large_is_a_413(player, faults):
    relay, key = faults
    endpoint = Endpoint(relay.url + relay_base(player.dialect, player.name), key.secret)
    check_refused(player, endpoint, plays.counts("plain-via-messages", turns=("x" * 200_000,)), 413)
