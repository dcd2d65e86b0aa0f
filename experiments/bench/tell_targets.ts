import { writeAside } from "../../lib/platform.ts";
import { errorText } from "../command/error_text.ts";
import { recordRoofline } from "./roofline.ts";
import { benchSchema } from "./row.ts";
import { targetResults, targetsTable } from "./targets.ts";

/** Prints the table of targets of a record and writes its figure; returns the exit code. */
export async function tellTargets(path: string): Promise<number> {
  try {
    const record = benchSchema.parse(JSON.parse(await Deno.readTextFile(path)));
    console.log(`${record.adapter}, ${record.date.slice(0, 10)}: ${targetsTable(targetResults(record))}`);
    const name = path.replace(/^.*[/\\]/, "").replace(/\.json$/i, "");
    const figure = `results/bench/${name}-roofline.json`;
    await writeAside(figure, JSON.stringify(recordRoofline(record)) + "\n");
    console.log(`\nroofline: ${figure}`);
    return 0;
  } catch (error) {
    console.error(`bench: ${path}: ${errorText(error)}`);
    return 2;
  }
}
