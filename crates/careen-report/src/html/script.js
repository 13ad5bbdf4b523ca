"use strict";
// Adds to a page that is complete without it: a tooltip, sorting, arrow keys, open tables on paper.
(() => {
  const tip = document.getElementById("tip");
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(12, Math.min(x + 14, innerWidth - box.width - 12)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(12, y - box.height - 10) : y + 18) + "px";
  };
  const hide = () => { tip.hidden = true; };

  // Native titles would show twice.
  for (const title of document.querySelectorAll("rect > title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const row of document.querySelectorAll("li[title]")) {
    row.dataset.tip = row.title;
    row.removeAttribute("title");
  }
  document.addEventListener("pointermove", (event) => {
    const at = event.target.closest("[data-tip]");
    if (at) show(at.dataset.tip, event.clientX, event.clientY);
    else hide();
  });
  // Focus that scrolls its row into view keeps what it says.
  const follow = () => {
    const at = document.activeElement;
    if (!at.matches("li[data-tip]:focus-visible")) return hide();
    const box = at.getBoundingClientRect();
    show(at.dataset.tip, box.left, box.bottom - 14);
  };
  document.addEventListener("scroll", follow, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("focusin", follow);

  // One stop for the whole picture, arrows within it.
  for (const list of document.querySelectorAll(".gantt ol")) {
    list.addEventListener("keydown", (event) => {
      const rows = [...list.children];
      const to = { ArrowDown: 1, ArrowUp: -1, Home: -rows.length, End: rows.length }[event.key];
      if (!to) return;
      const now = rows.indexOf(event.target);
      const next = rows[Math.max(0, Math.min(rows.length - 1, now + to))];
      if (now >= 0) rows[now].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
    });
  }

  for (const table of document.querySelectorAll("table.sort")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isNumber = head.classList.contains("n");
        const was = head.getAttribute("aria-sort");
        const down = was ? was === "ascending" : isNumber;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => {
          const cell = row.cells[column];
          return isNumber ? +(cell.dataset.v ?? (cell.textContent || -1)) : cell.textContent;
        };
        const sign = down ? -1 : 1;
        const compare = (a, b) => isNumber ? a - b : a.localeCompare(b);
        const rows = [...table.tBodies[0].rows].sort((a, b) => sign * compare(value(a), value(b)));
        table.tBodies[0].append(...rows);
      });
    });
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of opened) part.open = false; });
})();
