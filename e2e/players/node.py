"""The SDKs for Node: one process each, which is told a line and answers a line."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .talk import Answer, Call, Player, Refused, Usage

SCRIPTS = Path(__file__).resolve().parent.parent / "js"


class NodePlayer(Player):
    def __init__(self, name, dialect, script, *arguments):
        self.name = name
        self.dialect = dialect
        self.can_count = script in ("anthropic.mjs", "google-genai.mjs")
        self._command = [script, *arguments]
        self._process = None

    def play(self, endpoint, play):
        answers = self._ask("play", endpoint, play)
        return [
            Answer(
                text=answer["text"],
                stop=answer["stop"],
                usage=Usage(**answer["usage"]),
                calls=tuple(Call(**call) for call in answer["calls"]),
                thought=answer["thought"],
                pieces=answer["pieces"],
            )
            for answer in answers
        ]

    def count(self, endpoint, play):
        return self._ask("count", endpoint, play)

    def cancel(self, endpoint, play):
        return self._ask("cancel", endpoint, play)

    def stop(self):
        if self._process:
            process, self._process = self._process, None
            process.stdin.close()
            process.wait(30)
            process.stdout.close()

    @contextmanager
    def refusals(self):
        yield

    def _ask(self, what, endpoint, play):
        process = self._started()
        asked = {"do": what, "url": endpoint.url, "key": endpoint.key, "play": play.as_json()}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"{self.name} ended"
        answer = json.loads(line)
        if refused := answer.get("refused"):
            raise Refused(refused["kind"], refused["status"], refused["message"])
        assert "failed" not in answer, answer["failed"]
        return answer["done"]

    def _started(self):
        if self._process is None:
            folder = os.environ.get("POSTHASTE_E2E_NODE")
            assert folder, "POSTHASTE_E2E_NODE must name the folder with node_modules: see e2e/README.md"
            self._process = subprocess.Popen(
                ["node", SCRIPTS / self._command[0], *self._command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process
