import { assertEquals, assertThrows } from "@std/assert";
import { optionFinder } from "../../../lib/evaluation/mod.ts";
import { openCompassLetterScore } from "../../../lib/evaluation/metrics/opencompass_options.ts";

/** A function in the layout of OpenCompass's, with an invented list. */
const source = (body: string) =>
  String.raw`import re

def another(text):
    patterns = [
        f'never {options}',
    ]

def first_option_postprocess(text: str, options: str, cushion=True) -> str:
    """Find first valid option for text."""

    # yapf: disable
    patterns = [
        f'(?i)MY\s*PICK\s*:\s*([{options}])',
        f'picked:?\s+\(?\*?([{options}])\*?\)?',
        rf'boxed{{([{options}])}}',  # in braces
        f'first half ([{options}])'
        f'second half',
        f'[\s,:]([{options}])[.$]?$',
        f'taken (\S+)(?:;|$)',
    ]
    cushion_patterns = [
        f'([{options}]):',
        f'[{options}]',
    ]
    # yapf: enable

    if cushion:
        patterns.extend(cushion_patterns)
    for pattern in patterns:
        match = re.search(pattern, text${body}
    return ''


@TEXT_POSTPROCESSORS.register_module('first-capital-multi')
def after(text):
    patterns = [
        f'nor this',
    ]
`;
const older = source(`)
        if match:
            outputs = match.group(0)
            for i in options:
                if i in outputs:
                    return i`);
const newer = source(`, re.DOTALL)
        if match:
            if match.group(1) is not None and match.group(1) != '':
                outputs = match.group(1)
            else:
                outputs = match.group(0)
            for i in options:
                if i in outputs:
                    return i`);

Deno.test("the first of OpenCompass's patterns that holds a letter counts", () => {
  const find = optionFinder(older, "x.py");
  for (
    const [text, letter] of [
      ["my pick : C, not (B)", "C"],
      ["I picked: (*D*) over A:", "D"],
      ["so boxed{B}", "B"],
      ["first half Csecond half", "C"],
      // A dollar sign also stands before the last line end, but is itself in brackets.
      ["It is B$\n", "B"],
      ["all of it, B.", "B"],
      ["taken Axe; or see", "A"],
      ["neither Carl nor b", "C"],
      ["D: nothing", "D"],
      ["none of them", ""],
      // The whole match is searched in the order of the letters.
      ["taken DA", "A"],
    ]
  ) assertEquals(find(text, "ABCD"), letter, text);
  assertEquals(optionFinder(newer, "x.py")("MY PICK: D", "ABCD"), "D");
  assertEquals(find("I picked E", "EF"), "E");
});

Deno.test("choices are scored by their letter, code runs are never right, other tasks not at all", () => {
  const find = optionFinder(newer, "x.py");
  assertEquals(openCompassLetterScore("longbook_choice_eng", "MY PICK: B", ["a barge", "B"], find), 1);
  assertEquals(openCompassLetterScore("code_debug", "MY PICK: A", ["solve", "B"], find), 0);
  assertEquals(openCompassLetterScore("code_run", "41", [41], find), 0);
  assertEquals(openCompassLetterScore("passkey", "41", ["41"], find), undefined);
});

Deno.test("a file without the patterns, or with one that can't be read, is named", () => {
  assertThrows(() => optionFinder("import re\n", "x.py"), RangeError, "x.py: it does not list the patterns");
  const find = optionFinder(older.replace("boxed{{", "boxed("), "x.py");
  assertThrows(() => find("x", "ABCD"), RangeError, "x.py: pattern");
});

Deno.test("the function may be the file's last, or be followed by others", () => {
  const own = "def first_option_postprocess(text, options):\n  patterns = [\n    f'[{options}]',\n  ]\n";
  const other = "def another(text):\n  patterns = [\n    f'no pattern of ours (',\n  ]\n";
  for (const source of [own, `${other}\n${own}`, `${own}\n${other}`, `${own}\n@register\n${other}`]) {
    assertEquals(optionFinder(source, "x.py")("It is B.", "ABCD"), "B", source);
  }
});
