// Lists: filters that are sent when they change (but for what is typed bit by bit), and boxes that choose rows.

export function startLists() {
  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.addEventListener("change", (event) => { if (!event.target.matches("[type=search], [data-moment]")) form.requestSubmit(); });
  }
  for (const form of document.querySelectorAll("form[data-choose]")) {
    const all = form.querySelector("[data-all]");
    const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
    const told = form.querySelector("[data-chosen]");
    if (!all || !told) continue;
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      told.textContent = chosen > 0 ? String(chosen) : "";
      all.checked = chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    };
    all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; show(); });
    form.addEventListener("change", show);
    show();
  }
}
