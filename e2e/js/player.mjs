// What all players have in common: a line of JSON in, a line of JSON out. See players/__init__.py.

import { Console } from "node:console";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// Standard output is for answers: what an SDK has to say goes elsewhere.
globalThis.console = new Console(process.stderr);

// The SDKs are installed outside the repository.
export const load = createRequire(`${process.env.POSTHASTE_E2E_NODE}/`);

// Serves talks until stdin ends. `begin(endpoint, play)` gives a talk with `say(text, image)`, `answer()`,
// `give(results)`, `cancel()` and perhaps `count()`; `refusal(error)` tells an API's error from a failure of ours.
export async function serve({ begin, refusal }) {
  for await (const line of createInterface({ input: process.stdin })) {
    const told = await tell(begin, JSON.parse(line)).catch((error) => {
      const refused = refusal(error);
      return refused ? { refused } : { failed: String(error?.stack ?? error) };
    });
    process.stdout.write(`${JSON.stringify(told)}\n`);
  }
}

async function tell(begin, { do: what, url, key, play }) {
  const talk = begin({ url, key }, play);
  if (what === "play") return { done: await converse(talk, play) };
  talk.say(play.turns[0], play.image);
  return { done: await talk[what]() };
}

async function converse(talk, play) {
  const answers = [];
  for (const [number, text] of play.turns.entries()) {
    talk.say(text, number === 0 ? play.image : null);
    for (;;) {
      const { answer, calls } = await talk.answer();
      answers.push(answer);
      if (calls.length === 0) break;
      if (answers.length >= 10) throw new Error("the talk does not end");
      talk.give(calls.map((call) => ({ ...call, result: play.results[call.name] })));
    }
  }
  return answers;
}
