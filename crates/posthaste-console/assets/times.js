// Moments come in UTC and are shown in the reader's own time; UTC stays on hover.

const exact = new Intl.DateTimeFormat(document.documentElement.lang, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function localiseTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-away])")) {
    time.textContent = exact.format(new Date(time.dateTime));
  }
  refresh(root);
  if (root === document && root.querySelector("time[data-away]")) setInterval(() => refresh(document), 15000);
}

function refresh(root) {
  for (const time of root.querySelectorAll("time[data-away]")) {
    const at = new Date(time.dateTime);
    const seconds = (at - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    time.textContent = words.format(Math.trunc(seconds / size), unit);
    time.title = `${exact.format(at)} (${time.dateTime.replace("T", " ").replace("Z", " UTC")})`;
  }
}
