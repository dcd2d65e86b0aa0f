/**
 * The script of tables that can be sorted and filtered: a click on a heading sorts by its column (numbers by their value, a
 * second click the other way), words in the box keep the rows that hold all of them.
 */
export const TABLE_SCRIPT: string = `
for (const box of document.querySelectorAll(".table.interactive")) {
  const body = box.querySelector("tbody");
  const heads = [...box.querySelectorAll("th")];
  const count = box.querySelector(".count");
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim().replace(/\\u2212/g, "-");
    const number = /^[-+]?[\\d,]*\\.?\\d/.test(text) ? parseFloat(text.replace(/,/g, "")) : NaN;
    return { text, number };
  };
  const sort = (column, sign) => {
    const rows = [...body.rows].map((row) => ({ row, ...value(row, column) }));
    rows.sort((a, b) => {
      const numbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
      return sign * (numbers ? a.number - b.number : a.text.localeCompare(b.text, "en"));
    });
    body.append(...rows.map(({ row }) => row));
  };
  heads.forEach((head, column) => {
    const act = () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sort(column, falling ? -1 : 1);
    };
    head.addEventListener("click", act);
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
    });
  });
  box.querySelector("input").addEventListener("input", ({ target }) => {
    const words = target.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      const keep = words.every((word) => text.includes(word));
      row.hidden = !keep;
      if (keep) shown++;
    }
    count.textContent = words.length > 0 ? shown + " of " + body.rows.length + " rows" : "";
  });
}
`;

/** Draws the figure that was chosen, or that the page's address names. */
export const CHOICE_SCRIPT: string = `
document.querySelectorAll(".choice").forEach((box, index) => {
  const select = box.querySelector("select");
  const place = box.querySelector(".figure");
  const draw = () => {
    // Each figure has an element of its own: what was drawn before follows the page's colours no more in sight.
    const own = document.createElement("div");
    place.replaceChildren(own);
    reattentionDraw(own, choices[index][select.value]);
  };
  const follow = () => {
    const target = decodeURIComponent(location.hash.slice(1));
    if (!(target in choices[index])) return;
    select.value = target;
    draw();
    box.scrollIntoView();
  };
  select.addEventListener("change", draw);
  addEventListener("hashchange", follow);
  draw();
  follow();
});`;
