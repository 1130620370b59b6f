// Sorting and searching in the tables of a report. It only rearranges what is on the page, and sends nothing.
"use strict";

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

function sort(table, heading, column) {
  const downwards = heading.getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (!a || !b) return a ? -1 : b ? 1 : 0; // empty cells come last
    const numbers = [Number(a), Number(b)];
    const order = numbers.some(Number.isNaN) ? compare(a, b) : numbers[0] - numbers[1];
    return downwards ? -order : order;
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", downwards ? "descending" : "ascending");
  body.append(...rows);
}

for (const table of document.querySelectorAll("table")) {
  if (table.tBodies[0].rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    // Not a button element: Chromium leaves those out where it repeats the headings on the next page of paper.
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sort(table, heading, column));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort(table, heading, column);
    });
    heading.replaceChildren(button);
  });
}

const search = document.getElementById("search");
const onlyNew = document.getElementById("only-new");

function filter() {
  const words = plain(search.value).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const list of document.querySelectorAll("table.names")) {
    let shown = 0;
    for (const row of list.tBodies[0].rows) {
      const text = plain(row.textContent);
      row.hidden = !words.every((word) => text.includes(word)) || (onlyNew?.checked && !("new" in row.dataset));
      shown += row.hidden ? 0 : 1;
    }
    found += shown;
    list.hidden = shown === 0;
    const note = list.closest("section").querySelector(".shown");
    note.hidden = shown === list.tBodies[0].rows.length;
    note.textContent = `Showing ${shown} of ${list.tBodies[0].rows.length}.`;
  }
  document.getElementById("found").textContent = words.length || onlyNew?.checked ? `${found} lines shown.` : "";
}

search.addEventListener("input", filter);
onlyNew?.addEventListener("change", filter);
document.getElementById("tools").hidden = false;
filter();
