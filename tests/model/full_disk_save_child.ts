// Started by full_disk_test.ts: writes a session's file of more than two MiB; then, where files can't pass two, saves and restores such.

import { Device } from "../../lib/gpu/mod.ts";
import { loadModel, type Session } from "../../lib/model/mod.ts";

const [act, folder] = Deno.args;
const tokens = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);
using device = await Device.open();
using model = await loadModel("demo", { device });
const [small, large] = [`${folder}/a.session`, `${folder}/large.session`];

async function errorOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

async function answerOf(session: Session): Promise<number[]> {
  return await session.generate([8], { maxTokens: 4, stopTokens: [] });
}

const cache = { valuesOn: "host", pageTokens: 64 } as const;
using session = model.createSession({ method: "reattention-window", knobs: { chunkSize: 64 }, cache });
await session.append(tokens(1, 100));
if (act === "limited") await session.save(small);
await session.append(tokens(2, 1500));
if (act === "write") {
  await session.save(large);
} else {
  const before = await Deno.readFile(small);
  const saving = await errorOf(() => session.save(small));
  const same = before.join() === (await Deno.readFile(small)).join();
  const live = device.memory.liveBytes;
  const restoring = await errorOf(() => model.restore(large, { cache: { valuesOn: "file" } }));
  const grown = device.memory.liveBytes - live;
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  using restored = await model.restore(large);
  const answers = [await answerOf(restored), await answerOf(session)];
  console.log(JSON.stringify({ saving, restoring, same, grown, files, answers }));
}
