import { assert, assertEquals } from "@std/assert";
import { readRows } from "../../../experiments/needle/figure.ts";
import { poolRows } from "../../../experiments/needle/pool.ts";

const folder = new URL("../../../experiments/records/needle/", import.meta.url);
const files = ["h100.json", "llvmpipe.json"];

for (const file of files) {
  Deno.test(`the needle records of ${file} hold what README says of them`, async () => {
    const rows = poolRows(await readRows(new URL(file, folder).pathname));
    const own = rows.filter(({ method }) => method === "reattention-window");
    assert(own.some(({ length }) => length === 2 ** 20), "a million tokens are among them");
    for (const { length, exact, scope, questions, allowBeyondTrained } of own) {
      assert(exact >= 0.95 && questions >= 40, `${exact} of ${questions} questions at ${length}`);
      assert(scope <= 512 && !allowBeyondTrained, `scope ${scope} at ${length}`);
    }
    assertEquals(own.map(({ length }) => length), own.map(({ length }) => length).toSorted((a, b) => a - b));
  });
}
