/** The style of a report page: one readable column, tables of figures that line up, light and dark, print without waste. */
export const REPORT_STYLE: string = `
:root { color-scheme: light dark; --ink: #1f2328; --muted: #57606a; --paper: #fff; --line: #d8dee4; --rule: #8c959f; --row: #f6f8fa; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --muted: #9198a1; --paper: #0d1117; --line: #2b3138; --rule: #6e7681; --row: #161b22; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1, h2, p, td, th { overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; line-height: 1.25; margin: 0 0 1rem; max-width: 46rem; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 0.5rem; }
p { margin: 0.6rem 0; max-width: 46rem; }
.figure { margin: 1.25rem 0; width: 100%; overflow-x: auto; }
.table { overflow-x: auto; margin: 1.25rem 0 0.75rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { padding: 0.35rem 0.9rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; border-bottom: 2px solid var(--rule); }
th:first-child, td:first-child { padding-left: 0; }
tbody tr:hover { background: var(--row); }
.table.interactive { max-height: 36rem; overflow-y: auto; }
.interactive thead { position: sticky; top: 0; background: var(--paper); }
.interactive th { cursor: pointer; }
.interactive th::after { content: "\\2195"; margin-left: 0.3em; color: var(--rule); font-weight: 400; }
.interactive th[aria-sort="ascending"]::after { content: "\\2191"; color: inherit; }
.interactive th[aria-sort="descending"]::after { content: "\\2193"; color: inherit; }
.filter, .choice label { font-size: 0.93rem; color: var(--muted); }
.filter { margin-bottom: 0.5rem; }
.filter input, .choice select { font: inherit; padding: 0.25rem 0.5rem; border: 1px solid var(--rule); border-radius: 4px; background: var(--paper); color: inherit; }
.choice select { max-width: 100%; }
.number { text-align: right; }
.note { font-size: 0.9rem; color: var(--muted); }
@media print { main { max-width: none; padding: 0; } section { break-inside: avoid; } }
`;
