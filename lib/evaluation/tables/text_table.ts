/**
 * A table as Markdown that lines up in a terminal too.
 *
 * @param head names of the columns
 * @param rows cells; the first column is set left, the others right
 *
 * @example
 * ```ts
 * import { textTable } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(textTable(["task", "full"], [["tpo", "7.5"]]), "| task | full |\n| ---- | ---: |\n| tpo  |  7.5 |");
 * ```
 */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(3, name.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? "";
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) => column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
