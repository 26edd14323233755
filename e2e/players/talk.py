"""What players are given and give back."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Endpoint:
    """Where to play: the SDK's base URL and a key."""

    url: str
    key: str


@dataclass(frozen=True)
class Play:
    """A conversation, told without a dialect."""

    model: str
    turns: tuple = ("Please count to 30.",)
    system: str | None = None
    tools: tuple = ()
    # What a tool says, by its name.
    results: dict = field(default_factory=dict)
    schema: dict | None = None
    thinking: bool = False
    # A PNG in base64, shown with the first text.
    image: str | None = None
    stream: bool = False

    def as_json(self):
        return asdict(self)


@dataclass(frozen=True)
class Usage:
    """Tokens, counted alike: the whole prompt, cached or not, and all that was made, thoughts included."""

    input: int
    output: int
    cached: int = 0


@dataclass(frozen=True)
class Call:
    name: str
    input: dict


@dataclass(frozen=True)
class Answer:
    text: str
    stop: str
    usage: Usage
    calls: tuple = ()
    # Whether a thought was seen, shown or sealed.
    thought: bool = False
    # The deltas of text that a stream came in.
    pieces: int = 0


class Refused(Exception):
    """An answer that the SDK raised as an error of this class."""

    def __init__(self, kind, status, message):
        super().__init__(f"{kind} {status}: {message}")
        self.kind = kind
        self.status = status
        self.message = message


class Player:
    """An SDK. A talk of it has `say(text, image)`, `answer()` and `give(results)`."""

    name: str
    dialect: str
    can_count = False

    def play(self, endpoint, play):
        """All answers of the conversation, one a request."""
        with self.refusals():
            talk = self.talk(endpoint, play)
            answers = []
            for number, text in enumerate(play.turns):
                talk.say(text, play.image if number == 0 else None)
                while True:
                    answer, calls = talk.answer()
                    answers.append(answer)
                    if not calls:
                        break
                    assert len(answers) < 10, "the talk does not end"
                    talk.give([(call, play.results[name]) for call, name in calls])
            return answers

    def count(self, endpoint, play):
        """How long the first text is, as the API counts it."""
        with self.refusals():
            talk = self.talk(endpoint, play)
            talk.say(play.turns[0], play.image)
            return talk.count()

    def cancel(self, endpoint, play):
        """Goes away from a stream after its first text, and gives that."""
        with self.refusals():
            talk = self.talk(endpoint, play)
            talk.say(play.turns[0], play.image)
            return talk.cancel()

    def talk(self, endpoint, play):
        raise NotImplementedError

    def refusals(self):
        """A context that raises the SDK's exceptions as `Refused`."""
        raise NotImplementedError

    def __repr__(self):
        return self.name
