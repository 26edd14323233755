// Live figures over the events WebSocket of this site, with the session's cookie.

const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumSignificantDigits: 3 });
let wait = 1000;

export function start() {
  const places = [...document.querySelectorAll("[data-live]")];
  const topics = new Set(places.map((place) => (place.dataset.live === "first" ? "requests" : place.dataset.live)));
  connect(places, [...topics]);
}

function connect(places, topics) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, ["posthaste.v1"]);
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "state" && message.content.authenticated) {
      wait = 1000;
      socket.send(JSON.stringify({ type: "subscribe", content: { topics } }));
      mark(places, true);
    }
    for (const place of places) HANDLERS[place.dataset.live]?.(place, message);
  });
  socket.addEventListener("close", () => {
    mark(places, false);
    // A page that stays open comes back by itself, and asks ever less often while nobody is there.
    setTimeout(() => connect(places, topics), wait);
    wait = Math.min(wait * 2, 60000);
  });
}

function mark(places, isLive) {
  for (const place of places) {
    place.classList.toggle("is-live", isLive);
    const state = place.querySelector("[data-live-state]");
    if (state && place.dataset.stateOn) state.textContent = isLive ? place.dataset.stateOn : place.dataset.stateOff;
  }
}

function offer(place, came) {
  place.dataset.count = Number(place.dataset.count ?? 0) + came;
  const more = place.querySelector("[data-live-more]");
  if (!more || place.dataset.count === "0") return;
  more.hidden = false;
  more.textContent = `${place.dataset.count} ${place.dataset.more}`;
}

const HANDLERS = {
  totals(place, { type, content }) {
    if (type !== "totals") return;
    const values = { in_flight: content.in_flight, rpm: content.requests_per_minute, tpm: content.tokens_per_minute };
    for (const [name, value] of Object.entries(values)) {
      const shown = document.querySelector(`[data-live-value="${name}"]`);
      if (shown && value !== undefined && value !== null) shown.textContent = short.format(value);
    }
  },
  // A list does not jump while somebody reads it: it says how many came, and shows them when asked.
  requests(place, { type, content }) {
    if (type === "requests") offer(place, content.filter((one) => one.event === "ended").length);
  },
  logs(place, { type, content }) {
    if (type === "logs") offer(place, content.length);
  },
  first(place, { type, content }) {
    // Of one key, or of any where none is named.
    const { key } = place.dataset;
    if (type !== "requests" || !content.some((one) => key === undefined || one.key_id === key)) return;
    document.querySelector("[data-last-step]")?.classList.add("is-done");
    place.classList.add("is-done");
    place.querySelector("[data-live-state]").hidden = true;
    place.querySelector("[data-live-done]").hidden = false;
  },
};
