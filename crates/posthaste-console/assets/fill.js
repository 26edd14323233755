// A key that is put into the texts of a page, in this window alone: it is sent nowhere and kept nowhere.

export function startFilling() {
  for (const place of document.querySelectorAll("[data-fill]")) {
    const input = place.querySelector("input");
    const slots = [...document.querySelectorAll("[data-slot]")].map((slot) => [slot, slot.textContent]);
    place.hidden = false;
    input.addEventListener("input", () => {
      const key = input.value.trim();
      for (const [slot, mark] of slots) slot.textContent = key === "" ? mark : key;
    });
  }
}
