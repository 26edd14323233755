// The order of accounts: rows that are dragged, or moved with the arrows beside them. A priority is a number in a field, which
// can be typed as well; rows stand in groups of one number each.

const LEAST = 1, MOST = 100;

export function start() {
  const form = document.querySelector("form[data-order]");
  const table = form.querySelector("table");
  for (const part of form.querySelectorAll("[data-needs-script]")) part.hidden = false;
  const order = new Order(form, table);
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-step]");
    if (!button) return;
    order.step(button.closest("tr"), Number(button.dataset.step));
    // The row was put elsewhere, and the button with it.
    button.focus();
  });
  table.addEventListener("change", (event) => {
    if (!event.target.name?.startsWith("priority.")) return;
    const wanted = Number(event.target.value);
    if (Number.isInteger(wanted) && wanted >= LEAST && wanted <= MOST) order.put(event.target.closest("tr"), wanted);
    event.target.focus();
  });
  table.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (grip && event.button === 0) drag(event, grip, order, table);
  });
  form.dataset.ready = "on";
}

class Order {
  constructor(form, table) {
    this.form = form;
    this.table = table;
  }

  // The groups, the first one first.
  groups() {
    return [...this.table.querySelectorAll("tbody[data-priority]")];
  }

  // One up or down: out of a group of several to a place of its own, out of one of its own into the next group.
  step(row, way) {
    const group = row.parentElement;
    const neighbour = this.groups()[this.groups().indexOf(group) + way];
    const isAlone = rowsOf(group).length === 1;
    if (!isAlone) {
      this.before(row, way < 0 ? group : neighbour);
    } else if (neighbour) {
      this.put(row, priorityOf(neighbour));
    } else {
      this.tell(this.form.dataset.stays, row.dataset.account);
    }
  }

  // Into the group of this number, which is made where there is none.
  put(row, priority) {
    const from = row.parentElement;
    let group = this.groups().find((one) => priorityOf(one) === priority);
    if (!group) {
      group = from.cloneNode(false);
      group.append(from.querySelector("tr.group").cloneNode(true));
      number(group, priority, this.form.dataset.group);
      this.table.insertBefore(group, this.groups().find((one) => priorityOf(one) > priority) ?? this.table.querySelector("[data-behind]"));
    }
    if (group !== from) {
      const after = rowsOf(group).find((one) => one.dataset.account > row.dataset.account);
      group.insertBefore(row, after ?? null);
      if (rowsOf(from).length === 0) from.remove();
    }
    mark(row, priority);
    this.tell(this.form.dataset.moved, row.dataset.account, priority);
  }

  // To a place of its own before this group; behind all of them without one.
  before(row, next) {
    const own = row.parentElement;
    const isAlone = rowsOf(own).length === 1;
    const groups = this.groups();
    // Where it stands already.
    if (isAlone && (next === own || groups[groups.indexOf(own) + 1] === next)) return;
    this.put(row, this.room(groups.filter((one) => one !== own || !isAlone), next));
  }

  // A number between the group and the one before it. Where there is none, others make room.
  room(groups, next) {
    const place = next ? groups.indexOf(next) : groups.length;
    const low = place > 0 ? priorityOf(groups[place - 1]) : LEAST - 1;
    const high = next ? priorityOf(next) : MOST + 1;
    if (high - low > 1) return Math.floor((low + high) / 2);
    const later = run(groups.slice(place), 1);
    if (later) {
      this.shift(later, 1);
      return high;
    }
    const earlier = run(groups.slice(0, place).reverse(), -1);
    if (earlier) {
      this.shift(earlier, -1);
      return low;
    }
    // Every number is taken: it stands beside others.
    return Math.min(high, MOST);
  }

  shift(groups, by) {
    for (const group of groups) {
      const priority = priorityOf(group) + by;
      number(group, priority, this.form.dataset.group);
      for (const row of rowsOf(group)) mark(row, priority);
    }
  }

  tell(form, ...values) {
    const told = values.reduce((text, value) => text.replace("{}", () => value), form);
    this.form.querySelector("[data-told]").textContent = told;
  }
}

// The groups whose numbers follow each other without a gap, if there is one behind them.
function run(groups, way) {
  let end = 1;
  while (end < groups.length && priorityOf(groups[end]) === priorityOf(groups[end - 1]) + way) end += 1;
  const last = groups.length > 0 ? priorityOf(groups[end - 1]) + way : 0;
  return last >= LEAST && last <= MOST ? groups.slice(0, end) : null;
}

function rowsOf(group) {
  return [...group.querySelectorAll("tr[data-account]")];
}

function priorityOf(group) {
  return Number(group.dataset.priority);
}

function number(group, priority, form) {
  group.dataset.priority = priority;
  group.querySelector("th").textContent = form.replace("{}", priority);
}

function mark(row, priority) {
  const field = row.querySelector("[data-was]");
  field.value = priority;
  row.classList.toggle("is-moved", field.dataset.was !== String(priority));
}

// With a mouse, a finger or a pen: onto a group to join it, onto its head to stand before it.
function drag(begun, grip, order, table) {
  begun.preventDefault();
  const row = grip.closest("tr");
  const behind = table.querySelector("[data-behind]");
  let target = null;
  row.classList.add("is-dragged");
  behind.hidden = false;
  grip.setPointerCapture(begun.pointerId);
  const point = (found) => {
    target?.classList.remove("is-target");
    target = found;
    target?.classList.add("is-target");
  };
  const move = (event) => {
    const edge = 60;
    if (event.clientY < edge) scrollBy(0, -12);
    if (event.clientY > innerHeight - edge) scrollBy(0, 12);
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("tr");
    const inTable = under && table.contains(under) && under.closest("tbody") ? under : null;
    point(inTable?.classList.contains("group") ? inTable : (inTable?.parentElement ?? null));
  };
  const end = (event) => {
    const found = event.type === "pointerup" ? target : null;
    point(null);
    row.classList.remove("is-dragged");
    behind.hidden = true;
    for (const [name, listener] of listeners) grip.removeEventListener(name, listener);
    removeEventListener("keydown", stop);
    if (found?.matches("tbody")) order.put(row, priorityOf(found));
    else if (found) order.before(row, found.parentElement.dataset.priority ? found.parentElement : undefined);
  };
  const stop = (event) => { if (event.key === "Escape") end(event); };
  const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
  for (const [name, listener] of listeners) grip.addEventListener(name, listener);
  addEventListener("keydown", stop);
}
