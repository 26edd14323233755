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

// Fields for a moment are typed in the reader's own time and sent in UTC. Without this they are in UTC, as they say then.
export function startMoments() {
  for (const form of document.querySelectorAll("form:has([data-moment])")) {
    const fields = [...form.querySelectorAll("[data-moment]")];
    for (const field of fields) {
      if (field.value) field.value = local(new Date(`${field.value}Z`));
      field.closest("label")?.querySelector("[data-zone]")?.remove();
    }
    form.addEventListener("formdata", ({ formData }) => {
      for (const { name, value } of fields) if (value) formData.set(name, `${new Date(value).toISOString().slice(0, 19)}Z`);
    });
  }
}

function local(at) {
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19).replace(/:00$/, "");
}
