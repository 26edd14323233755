// An account's test, shown step by step as the server tells of them. Without this module the form leads to a page that has the whole.

export function start() {
  for (const form of document.querySelectorAll("form[data-test]")) {
    form.addEventListener("submit", (event) => { event.preventDefault(); run(form); });
    form.dataset.ready = "on";
  }
}

async function run(form) {
  if (form.dataset.runs) return;
  form.dataset.runs = "on";
  const place = document.querySelector("[data-trial]");
  clear(place);
  let last;
  try {
    for await (const event of told(form)) {
      SHOW[event.event]?.(place, event);
      last = event.event;
    }
  } catch {
    last = undefined;
  }
  for (const step of place.querySelectorAll("[data-begun]")) take(step);
  if (last !== "done") verdict(place, false);
  if (last !== "done" && last !== "error") say(place, "problem", form.dataset.broke);
  delete form.dataset.runs;
}

// The events of the stream, one by one.
async function* told(form) {
  const model = form.elements.model.value.trim();
  const answer = await fetch(form.dataset.test, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": document.querySelector("meta[name=csrf]").content },
    body: JSON.stringify(model === "" ? {} : { model }),
  });
  if (!answer.ok) {
    yield { event: "error", message: (await answer.json()).message };
    return;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) yield JSON.parse(frame.slice("data: ".length));
  }
}

const SHOW = {
  begun(place, { name }) {
    // What was begun and is no step here, such as a look-up where nothing is looked up, makes room for the next.
    for (const step of place.querySelectorAll("[data-begun]")) take(step);
    const step = fact(place, name, "…");
    if (step) step.dataset.begun = "on";
  },
  step(place, { name, took_us }) {
    const step = fact(place, name, duration(took_us / 1000));
    if (step) delete step.dataset.begun;
  },
  delta(place, { text }) {
    say(place, "words", part(place, "words").textContent + text);
  },
  done(place, { report }) {
    verdict(place, report.ok);
    const asked = report.model === report.upstream_model ? report.model : `${report.model} → ${report.upstream_model}`;
    say(place, "asked", [asked, `${report.latency_ms} ms`, report.status].filter(Boolean).join(" · "));
    say(place, "problem", report.problem);
    say(place, "advice", report.advice);
    if (report.usage) {
      const { input, cache_read, cache_write_5m, cache_write_1h, output } = report.usage;
      fact(place, "tokens", `${input + cache_read + cache_write_5m + cache_write_1h} → ${output}`);
    }
    if (Number.isInteger(report.cost_nano_usd)) fact(place, "cost", dollars(report.cost_nano_usd));
  },
  error(place, { message }) {
    say(place, "problem", message);
  },
};

function clear(place) {
  place.hidden = false;
  for (const one of place.querySelectorAll("[data-step], [data-part], [data-verdict]")) one.hidden = true;
  for (const one of place.querySelectorAll("[data-part]")) one.textContent = "";
  place.querySelector("[data-verdict=going]").hidden = false;
}

function verdict(place, serves) {
  for (const badge of place.querySelectorAll("[data-verdict]")) {
    badge.hidden = badge.dataset.verdict !== (serves ? "good" : "bad");
  }
}

function part(place, name) {
  return place.querySelector(`[data-part=${name}]`);
}

function say(place, name, text) {
  const shown = part(place, name);
  shown.textContent = text ?? "";
  shown.hidden = !text;
}

function fact(place, name, value) {
  const shown = place.querySelector(`[data-step="${CSS.escape(name)}"]`);
  if (!shown) return null;
  shown.hidden = false;
  shown.querySelector("dd").textContent = value;
  return shown;
}

function take(step) {
  step.hidden = true;
  delete step.dataset.begun;
}

function duration(millis) {
  if (millis < 1) return `${millis.toFixed(2)} ms`;
  return millis < 1000 ? `${Math.trunc(millis)} ms` : `${(millis / 1000).toFixed(2)} s`;
}

function dollars(nanos) {
  if (nanos === 0) return "$0";
  if (nanos < 1000) return "<$0.000001";
  return `$${(nanos / 1e9).toFixed(nanos < 1e5 ? 6 : nanos < 1e9 ? 4 : 2)}`;
}
