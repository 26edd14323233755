// Buttons that copy a text of the page, or save it as a file.

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-save]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy ?? button.dataset.save);
    if (button.dataset.save) return save(source.textContent, button.dataset.name);
    const done = await copy(source);
    const label = button.textContent;
    button.textContent = done ? "✓" : "✗";
    setTimeout(() => { button.textContent = label; }, 1200);
  });
}

// Without TLS a browser has no clipboard for pages: then the text is selected, and copied the old way.
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
