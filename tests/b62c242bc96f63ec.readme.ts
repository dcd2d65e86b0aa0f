import { Device, loadModel, saveFigure, selectedSpansFigure } from "@reattention/toolkit";
import { askNeedle, makeHaystack, Random } from "@reattention/toolkit/evaluation";

using device = await Device.open();
using model = await loadModel("demo", { device });
const options = { tokenizer: model.tokenizer, tokens: 32_704, random: new Random(1) };
const { tokens, needles } = await makeHaystack(options);
using session = model.createSession({ method: "reattention-window", trace: true });
await session.append(tokens);
const { prompt, answer } = askNeedle(needles[2]);
console.log(await session.answer(prompt, { maxTokens: 2 }), "expected", answer);
const { layers, length } = (await session.readTrace()).at(-1)!;
await saveFigure(selectedSpansFigure({ layers, length }), "results/selected.html");
