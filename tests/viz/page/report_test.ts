import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { renderReport } from "../../../lib/viz/mod.ts";
import { scriptJson, scriptText } from "../../../lib/viz/page/report.ts";

const figure = { data: [{ type: "scatter", name: "</script><b>" }], layout: { height: 300 } };

Deno.test("renderReport escapes every text", () => {
  const page = renderReport({
    title: "a < b",
    introduction: "<script>alert(1)</script>",
    sections: [{
      heading: '"R&D"',
      text: "1 > 0",
      table: { columns: [{ label: "<th>" }], rows: [["</table>"]], note: "<i>" },
    }],
    plotlySource: "",
  });
  for (const part of ["<title>a &lt; b</title>", "<h2>&quot;R&amp;D&quot;</h2>", "<p>1 &gt; 0</p>"]) {
    assertStringIncludes(page, part);
  }
  for (const part of ["<th>&lt;th&gt;</th>", "<td>&lt;/table&gt;</td>", "<p>&lt;i&gt;</p>"]) {
    assertStringIncludes(page, part);
  }
  assertFalse(page.includes("<script>alert"));
});

Deno.test("renderReport holds plotly once and a call per figure, and nothing that its texts could end early", () => {
  const sections = [{ heading: "one", text: "", figure }, { heading: "none", text: "" }, {
    heading: "two",
    text: "",
    figure,
  }];
  const page = renderReport({ title: "", introduction: "", sections, plotlySource: 'var a = "</SCRIPT><!--";' });
  assertEquals(page.match(/<script>/g)?.length, 2);
  assertEquals(page.match(/<\/script>/gi)?.length, 2);
  assertEquals(page.match(/getElementById\("figure-\d"\)/g), [
    'getElementById("figure-0")',
    'getElementById("figure-1")',
  ]);
  assertEquals(page.match(/id="figure-\d"/g), ['id="figure-0"', 'id="figure-1"']);
});

Deno.test("renderReport asks the network for nothing", () => {
  const page = renderReport({
    title: "t",
    introduction: "i",
    sections: [{ heading: "h", text: "", figure }],
    plotlySource: "",
  });
  assertFalse(/\b(src|href)=|https?:|@import|url\(/.test(page));
  assertStringIncludes(page, "default-src 'none'");
});

Deno.test("renderReport leaves plotly out where nothing is drawn", () => {
  assertFalse(
    renderReport({ title: "", introduction: "", sections: [], plotlySource: "var big" }).includes("<script>"),
  );
});

Deno.test("renderReport makes paragraphs of empty lines and aligns figures", () => {
  const table = { columns: [{ label: "n", align: "right" as const }, { label: "name" }], rows: [["1", "x"]] };
  const page = renderReport({
    title: "",
    introduction: "one\n\ntwo",
    sections: [{ heading: "h", text: "", table }],
    plotlySource: "",
  });
  assertStringIncludes(page, "<p>one</p>\n<p>two</p>");
  assertStringIncludes(page, '<td class="number">1</td><td>x</td>');
});

Deno.test("renderReport refuses a row of other length than the head", () => {
  const table = { columns: [{ label: "a" }, { label: "b" }], rows: [["1", "2"], ["3"]] };
  const report = { title: "", introduction: "", sections: [{ heading: "", text: "", table }], plotlySource: "" };
  assertThrows(() => renderReport(report), RangeError, "table row 1 has 1 cells, not 2");
});

Deno.test("scriptText and scriptJson mean the same as before", () => {
  const text = 'var a = "</script><!-- </ScRiPt>";';
  assertFalse(/<\/script|<!--/i.test(scriptText(text)));
  assertEquals(new Function(`${scriptText(text)} return a;`)(), "</script><!-- </ScRiPt>");
  const value = { a: "</script><!--", b: [1, null] };
  assert(!scriptJson(value).includes("<"));
  assertEquals(JSON.parse(scriptJson(value)), value);
});

Deno.test("renderReport's interactive tables can be sorted and filtered, and lead to figures that are chosen", () => {
  const table = { columns: [{ label: "k" }], rows: [[{ text: '"seen"', target: "one" }], ["2"]], interactive: true };
  const choice = { label: "trial", figures: [{ name: "<1>", target: "one", figure }] };
  const page = renderReport({
    title: "",
    introduction: "",
    sections: [{ heading: "", text: "", table, choice }],
    plotlySource: "",
  });
  for (
    const part of [
      '<input type="search"',
      '<th tabindex="0">k</th>',
      '<td><a href="#one">&quot;seen&quot;</a></td>',
      '<option value="one">&lt;1&gt;</option>',
      'const choices = [{"one":{',
    ]
  ) {
    assertStringIncludes(page, part);
  }
  const plain = renderReport({
    title: "",
    introduction: "",
    sections: [{ heading: "", text: "", table: { ...table, interactive: false } }],
    plotlySource: "",
  });
  assertFalse(plain.includes("<script>") || plain.includes("tabindex"));
});
