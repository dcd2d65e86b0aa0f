// Run by saved_session_test.ts in a process of its own: restores a session and goes on with it.

import { nameRuntimeFolder } from "../../experiments/setup/runtime_folder.ts";
import { Device } from "../../lib/gpu/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";

nameRuntimeFolder();
using device = await Device.open();
using model = await loadModel("demo", { device });
using session = await model.restore(Deno.args[0]);
const prompt = model.tokenizer.encode(" Anne thought", { addSpecialTokens: false });
const answer = await session.generate(prompt, { maxTokens: 12 });
console.log(JSON.stringify({ length: session.length, answer }));
