"""An upstream that speaks Anthropic Messages, with scripted faults and exact counters.

Shapes after https://docs.anthropic.com/en/api/messages and …/messages-streaming. Each answer has token counts of its own,
so that sums tell which answers were counted.
"""

import json
import select
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Usage:
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other):
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    def as_json(self, output):
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.cache_write,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_write,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": output,
            "service_tier": "standard",
        }


# -- what may be scripted for a request ------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A whole and proper answer."""

    blocks: tuple = ({"type": "text", "text": "Haste, post, haste."},)
    stop_reason: str = "end_turn"


@dataclass(frozen=True)
class Status:
    """An error with this status."""

    code: int
    kind: str = "api_error"
    retry_after: str | None = None


@dataclass(frozen=True)
class Close:
    """The connection is closed before a head."""


@dataclass(frozen=True)
class ErrorEvent:
    """A stream whose error event comes under a 200, before any content."""

    kind: str = "overloaded_error"
    after_start: bool = False


@dataclass(frozen=True)
class Cut:
    """A stream that is cut off after this many deltas."""

    after: int


@dataclass
class Hold:
    """A stream that falls silent after this many deltas, until it is released or the relay goes away."""

    after: int = 1
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


OVERLOADED = Status(529, "overloaded_error")
RATE_LIMITED = Status(429, "rate_limit_error", retry_after="30")


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    path: str
    headers: dict
    raw: bytes

    @property
    def body(self):
        return json.loads(self.raw)


class Gone(Exception):
    """The relay closed the connection."""


class FakeAnthropic:
    """Use as a context manager; the counters may be read at any time."""

    def __init__(self, seed=0):
        self._lock = threading.Lock()
        self._script = []
        self._default = Answer()
        self._connections = set()
        self._seed = seed
        self.requests = []
        self.answered = []
        self.aborted = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.upstream = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def script(self, *behaviours, default=None):
        """The next requests get these, in order; every later one the default."""
        with self._lock:
            self._script = list(behaviours)
            self._default = default or Answer()

    def kill(self):
        """Refuses new connections and resets the open ones, whatever they are doing."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        with self._lock:
            open_now, self._connections = self._connections, set()
        for connection in open_now:
            _reset(connection)

    @property
    def sent(self):
        """The tokens of all answers that were written to their last byte."""
        with self._lock:
            return sum(self.answered, Usage())

    # -- for the handler -----------------------------------------------------------------

    def _connected(self, connection):
        with self._lock:
            self._connections.add(connection)

    def _disconnected(self, connection):
        with self._lock:
            self._connections.discard(connection)

    def _next(self, seen):
        with self._lock:
            self.requests.append(seen)
            number = len(self.requests)
            behaviour = self._script.pop(0) if self._script else self._default
        usage = Usage(
            input=1000 + 7 * number + self._seed,
            output=50 + 3 * number,
            cache_read=number % 5,
            cache_write=number % 3,
        )
        return number, behaviour, usage

    @contextmanager
    def _answering(self, usage):
        """Counts an answer before its last bytes leave: whoever has read them may look at once."""
        with self._lock:
            self.answered.append(usage)
        try:
            yield
        except BaseException:
            with self._lock:
                self.answered.remove(usage)
            raise


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A connection that ended early is what many of these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A head and its body leave together, so that a death never falls between them.
    wbufsize = 64 * 1024

    @property
    def upstream(self):
        return self.server.upstream

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstream._connected(self.request)

    def finish(self):
        self.upstream._disconnected(self.request)
        super().finish()

    def log_message(self, *_):
        pass

    def do_POST(self):
        raw = (
            self.rfile.read(int(self.headers["content-length"]))
            if "content-length" in self.headers
            else self._chunks()
        )
        seen = Seen(self.path.partition("?")[0], {k.lower(): v for k, v in self.headers.items()}, raw)
        if seen.path == "/v1/messages/count_tokens":
            return self._json(200, {"input_tokens": 42})
        number, behaviour, usage = self.upstream._next(seen)
        if seen.path != "/v1/messages":
            return self._json(404, _error("not_found_error"))
        try:
            self._behave(seen.body, number, behaviour, usage)
        except (Gone, ConnectionError, TimeoutError):
            self.upstream.aborted.set()
            self.close_connection = True

    def _behave(self, body, number, behaviour, usage):
        match behaviour:
            case Close():
                _reset(self.request)
                self.close_connection = True
            case Status(code, kind, retry_after):
                self._json(code, _error(kind), {"retry-after": retry_after} if retry_after else {})
            case ErrorEvent() | Cut() | Hold() if not body.get("stream"):
                raise AssertionError(f"{behaviour} is scripted for a request without a stream")
            case ErrorEvent(kind, after_start):
                self._head()
                if after_start:
                    self._start(body, number, usage)
                self._event("error", _error(kind))
                self._chunk(b"")
            case _ if body.get("stream"):
                self._stream(body, number, behaviour, usage)
            case Answer(blocks, stop_reason):
                with self.upstream._answering(usage):
                    self._json(
                        200, _message(body, number, list(blocks), stop_reason, usage.as_json(usage.output))
                    )

    def _stream(self, body, number, behaviour, usage):
        answer = behaviour if isinstance(behaviour, Answer) else Answer()
        self._head()
        self._start(body, number, usage)
        deltas = 0
        for index, block in enumerate(answer.blocks):
            opening, pieces = _split(block)
            self._event(
                "content_block_start",
                {"type": "content_block_start", "index": index, "content_block": opening},
            )
            for delta in pieces:
                if isinstance(behaviour, Cut) and deltas == behaviour.after:
                    _reset(self.request, gently=True)
                    self.close_connection = True
                    return
                if isinstance(behaviour, Hold) and deltas == behaviour.after:
                    self._hold(behaviour)
                self._event(
                    "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
                )
                deltas += 1
            self._event("content_block_stop", {"type": "content_block_stop", "index": index})
        self._event(
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": answer.stop_reason, "stop_sequence": None},
                "usage": usage.as_json(usage.output),
            },
        )
        with self.upstream._answering(usage):
            self._event("message_stop", {"type": "message_stop"})
            self._chunk(b"")

    def _hold(self, hold):
        hold.reached.set()
        while not hold.release.is_set():
            readable, _, _ = select.select([self.request], [], [], 0.02)
            if readable and not self.request.recv(1, socket.MSG_PEEK):
                raise Gone

    # -- bytes ---------------------------------------------------------------------------

    def _start(self, body, number, usage):
        message = _message(body, number, [], None, usage.as_json(1))
        self._event("message_start", {"type": "message_start", "message": message})

    def _head(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _event(self, name, data):
        self._chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    def _chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _json(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _chunks(self):
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


def _message(body, number, content, stop_reason, usage):
    return {
        "id": f"msg_{number:024d}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _error(kind):
    return {"type": "error", "error": {"type": kind, "message": f"scripted {kind}"}}


def _split(block):
    """A block as its start and its deltas."""
    match block["type"]:
        case "text":
            return block | {"text": ""}, [
                {"type": "text_delta", "text": piece} for piece in _pieces(block["text"])
            ]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, [*deltas, signature]
        case "tool_use":
            pieces = _pieces(json.dumps(block["input"]))
            return block | {"input": {}}, [
                {"type": "input_json_delta", "partial_json": piece} for piece in pieces
            ]
    raise AssertionError(f"no stream form for {block['type']}")


def _pieces(text, size=5):
    return [text[at : at + size] for at in range(0, len(text), size)]


def _reset(connection, gently=False):
    """Ends a connection without the protocol's end: by RST, or gently by FIN after what was written."""
    try:
        if not gently:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        else:
            connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended already
