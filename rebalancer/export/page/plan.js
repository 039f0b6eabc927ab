"use strict";
(() => {
  const table = document.getElementById("moves");
  if (!table) return;
  const bodies = [...table.tBodies], filter = document.getElementById("filter"), group = document.getElementById("group");
  const numbers = new Set(["id", "memory", "takes"]);
  let by = "id", down = false;
  const text = new Map(bodies.map((body) => [body, `${body.rows[0].textContent} ${body.rows[1].cells[0].firstChild.textContent}`.toLowerCase()]));
  const order = (one, other) => {
    const mine = one.dataset[by], yours = other.dataset[by];
    const found = numbers.has(by) ? mine - yours : mine.localeCompare(yours);
    return (down ? -found : found) || one.dataset.id - other.dataset.id;
  };
  const heading = (words) => {
    const body = document.createElement("tbody"), row = body.insertRow(), cell = document.createElement("th");
    body.className = "heading";
    cell.colSpan = 7;
    cell.scope = "rowgroup";
    cell.textContent = words;
    row.append(cell);
    return body;
  };
  const show = () => {
    const words = filter.value.trim().toLowerCase(), key = group.value;
    const found = bodies.filter((body) => text.get(body).includes(words)).sort(order);
    if (key) found.sort((one, other) => one.dataset[key].localeCompare(other.dataset[key]));
    for (const body of [...table.tBodies]) body.remove();
    let last = null;
    for (const body of found) {
      if (key && body.dataset[key] !== last) {
        last = body.dataset[key];
        const many = found.filter((each) => each.dataset[key] === last).length;
        table.append(heading(`${last} (${many})`));
      }
      table.append(body);
    }
    document.getElementById("shown").textContent = `${found.length} of ${bodies.length} shown`;
  };
  for (const cell of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      down = by === cell.dataset.sort && !down;
      by = cell.dataset.sort;
      for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      show();
    });
  }
  filter.addEventListener("input", show);
  group.addEventListener("change", show);
  document.getElementById("open").addEventListener("click", (event) => {
    const closed = bodies.some((body) => !body.querySelector("details").open);
    for (const body of bodies) body.querySelector("details").open = closed;
    event.target.textContent = closed ? "Close all" : "Open all";
  });
  document.querySelector(".controls").hidden = false;
  show();
})();
