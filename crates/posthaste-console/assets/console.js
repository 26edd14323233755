// What moves on the console's pages. Every page can be read, and every form be sent, without it.
import { localiseTimes, startMoments } from "./times.js";
import { drawCharts } from "./charts.js";
import { listenToKeys } from "./shortcuts.js";
import { startCopying } from "./copy.js";
import { startLists } from "./lists.js";
import { startFilling } from "./fill.js";

localiseTimes(document);
startMoments();
drawCharts(document);
listenToKeys();
startCopying();
startLists();
startFilling();

// The menu is a column on a wide window, where it stays open.
const menu = document.querySelector("[data-menu]");
if (menu) {
  const wide = matchMedia("(min-width: 900px)");
  const fit = () => { menu.open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();
}

// A log-in on another device: asked again and again whether it is done, at the vendor's beat.
const poll = document.querySelector("form[data-poll]");
if (poll) {
  setTimeout(() => poll.requestSubmit(poll.querySelector("[value=poll]")), (Number(poll.dataset.poll) + 1) * 1000);
}

if (document.querySelector("[data-live]")) {
  import("./live.js").then((live) => live.start());
}
if (document.querySelector("form[data-test]")) {
  import("./test.js").then((test) => test.start());
}
if (document.querySelector("form[data-order]")) {
  import("./drag.js").then((drag) => drag.start());
}
