// The keyboard: `/` searches, `?` tells, `g` and a letter go to a page.

export function listenToKeys() {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      document.getElementById("shortcuts")?.showModal();
    } else if (event.key === "g") {
      going = Date.now();
      return;
    } else if (Date.now() - going < 1500) {
      document.querySelector(`[data-letter="${CSS.escape(event.key)}"]`)?.click();
    }
    going = 0;
  });
}

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}
