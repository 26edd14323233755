// The keyboard: `/` searches, `?` tells, `g` and a letter go to a page; buttons of a page may have letters of their own.

export function listenToKeys() {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      tell(document.getElementById("shortcuts"));
    } else if (event.key === "g") {
      going = Date.now();
      return;
    } else if (Date.now() - going < 1500) {
      document.querySelector(`[data-letter="${CSS.escape(event.key)}"]`)?.click();
    } else if (!document.querySelector("dialog[open]")) {
      own().find((place) => place.getAttribute("aria-keyshortcuts") === event.key)?.click();
    }
    going = 0;
  });
}

// What has a letter on this page, as far as it is to be seen.
function own() {
  return [...document.querySelectorAll("main [aria-keyshortcuts]")].filter((place) => place.checkVisibility());
}

function tell(dialog) {
  const list = dialog?.querySelector("[data-own]");
  if (!list || dialog.open) return;
  const places = own();
  list.hidden = places.length === 0;
  list.querySelector("dl").replaceChildren(...places.map(row));
  dialog.showModal();
}

function row(place) {
  const [row, key, letter, what] = ["div", "dt", "kbd", "dd"].map((name) => document.createElement(name));
  letter.textContent = place.getAttribute("aria-keyshortcuts");
  what.textContent = (place.querySelector(".sr") ?? place).textContent.trim();
  key.append(letter);
  row.append(key, what);
  return row;
}

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}
