// Started by full_disk_test.ts where files can't pass two MiB: reads until the file for values is full, then goes on with what there is.

import { Device } from "../../lib/gpu/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";

const tokens = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);
using device = await Device.open();
using model = await loadModel("demo", { device });

async function answerAfter(session: ReturnType<typeof model.createSession>): Promise<number[]> {
  return await session.generate([8], { maxTokens: 4, stopTokens: [] });
}

const options = { method: "reattention-window", knobs: { chunkSize: 64 } } as const;
using session = model.createSession({ ...options, cache: { valuesOn: "file" } });
await session.append(tokens(1, 500));
const before = device.memory.liveBytes;
let message = "";
try {
  await session.append(tokens(2, 2000));
} catch (error) {
  message = `${(error as Error).name}: ${(error as Error).message}`;
}
const { length } = session;
const grown = device.memory.liveBytes - before;
using same = model.createSession(options);
await same.append(tokens(1, 500));
await same.append(tokens(2, 2000).slice(0, length - 500));
console.log(JSON.stringify({ message, length, grown, answers: [await answerAfter(session), await answerAfter(same)] }));
