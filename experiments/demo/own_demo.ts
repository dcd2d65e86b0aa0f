import type { Device } from "../../lib/gpu/mod.ts";
import { Prose } from "../../lib/evaluation/mod.ts";
import type { Model } from "../../lib/model/mod.ts";
import { readText } from "../../lib/platform.ts";
import { renderReport } from "../../lib/viz/mod.ts";
import { readPlotlySource } from "../../lib/viz/page/plotly_source.ts";
import type { DemoArguments } from "./arguments.ts";
import { askOwnText, expectedAnswer, KNOWN_FORMS, type OwnAnswer } from "./own_text.ts";
import { pictureSection } from "./page.ts";
import { ALL, isBounded } from "./plan.ts";
import type { Progress } from "../command/progress.ts";
import { describeMachine, today, writeResults } from "./results.ts";

/** What a run on a person's own text needs. */
interface OwnDemo {
  readonly model: Model;
  readonly device: Device;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Past this, full attention and selecting in every chunk are left to those who ask for them. */
const SQUARE = 8192;

/** Hides a person's sentence in a person's text and asks for it. Gives the exit code: 1 where the form is not known. */
export async function ownDemo(
  asked: DemoArguments,
  own: NonNullable<DemoArguments["own"]>,
  { model, device, progress, signal }: OwnDemo,
): Promise<number> {
  const text = await readText(own.haystack);
  if (!/[\p{L}\p{N}]/u.test(text)) throw new Error(`--haystack ${own.haystack} must be a text with words in it`);
  const expected = own.answer ?? expectedAnswer(own.needle, own.question);
  if (expected === "") {
    throw new Error(
      `--needle "${own.needle}" holds no word that the question lacks: say with --answer what the answer must hold`,
    );
  }
  const prose = new Prose(model.tokenizer, text);
  const tokens = prose.tokens.length;
  const methods = asked.methods ?? ALL.filter((name) => tokens <= SQUARE || isBounded(name));
  const machine = describeMachine(device);
  console.log(
    `${machine}\n${own.haystack}: ${tokens.toLocaleString("en-US")} tokens; expected in the answer: "${expected}"\n`,
  );
  const { answers, known } = await askOwnText(model, { ...own, prose, answer: expected }, methods, {
    signal,
    onProgress: (method, done, total) => progress.update(done / total, `${method}`, `reading ${total} tokens`),
    onAnswer: (answer) => {
      progress.clear();
      console.log(answerLine(answer));
    },
  });
  if (!known) {
    console.log(unknownForm(answers[0].said, expected));
    return 1;
  }
  const picture = answers.findLast((answer) => answer.picture)?.picture;
  const page = renderReport({
    title: "Your needle in your haystack",
    introduction:
      `"${own.needle}" stands near the middle of ${own.haystack}. Measured on ${today()} on ${machine}.\n\n` +
      answers.map(answerLine).join("\n\n"),
    sections: picture ? [pictureSection(picture)] : [],
    plotlySource: await readPlotlySource(),
  });
  await writeResults(asked, page, answers.map(({ picture: _, ...answer }) => answer));
  return 0;
}

function answerLine({ method, length, said, right, scope, seconds }: OwnAnswer): string {
  const where = `${length.toLocaleString("en-US").padStart(9)} tokens  ${method.padEnd(18)}`;
  return `${where}  ${right ? "right" : "wrong"}  "${said}"  (scope ${scope}, ${seconds.toFixed(1)} s)`;
}

function unknownForm(said: string, expected: string): string {
  const forms = KNOWN_FORMS.map(([needle, question]) => `  --needle "${needle}" --question "${question}"`).join("\n");
  return `
The model can't answer this form even at 512 tokens with full attention, so nothing follows about any method: it said
"${said}", where "${expected}" was expected in the answer (--answer TEXT says otherwise).
It is a model of 5 million parameters that learned to repeat a value it was told. Forms that it can answer:
${forms}
(any name, any kind of value; numbers of three to six digits, or a word or two)`;
}
