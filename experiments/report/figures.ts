import {
  bootstrapInterval,
  settingLabel,
  type SettingSummary,
  type SweepSummary,
  valueOf,
} from "../../lib/evaluation/mod.ts";
import {
  categoryFigure,
  curveFigure,
  type CurvePoint,
  type Figure,
  gridFigure,
  paretoFigure,
} from "../../lib/viz/mod.ts";
import { type SweepAxes, sweepAxes, type SweepAxis, valueText } from "./axes.ts";

/** Curves in one figure; of more, settings are pooled over the other axes. */
const MOST_CURVES = 8;
/** A little more than 0 to 1, so that marks at the ends are whole. */
const SCORE: readonly [number, number] = [-0.03, 1.03];

/** A figure with its heading and words. */
export interface SweepFigure {
  /** Its heading. */
  readonly heading: string;
  /** Its words. */
  readonly text: string;
  /** The figure. */
  readonly figure: Figure;
}

/** A sweep's figures: a curve for each axis, a grid for each pair of knobs, cost against quality. */
export function sweepFigures(summary: SweepSummary): SweepFigure[] {
  const axes = sweepAxes(summary.settings);
  const pairs = axes.own.flatMap((first, index) => axes.own.slice(index + 1).map((second) => [first, second] as const));
  return [
    ...axes.own.map((axis) => axisFigure(summary, axis, axes)),
    ...pairs.map(([first, second]) => pairFigure(summary, first, second)),
    ...costFigures(summary),
  ];
}

function axisFigure(
  { settings, metric, comparisons, pooled: together }: SweepSummary,
  axis: SweepAxis,
  axes: SweepAxes,
): SweepFigure {
  const others = axes.own.filter((other) => other !== axis);
  const groups = Map.groupBy(settings, (setting) => others.map((other) => valueText(setting, other, axes)).join(", "));
  const pooled = groups.size > MOST_CURVES;
  const series: [string, readonly SettingSummary[]][] = pooled ? [["all settings", settings]] : [...groups];
  // Several models: beside each, all of them together.
  const ofAll = !pooled && together && axis.name !== "model" && others.length === 1;
  if (ofAll) series.push(["all models", together.settings]);
  const numeric = axis.values.every((value) => typeof value === "number");
  const heading = `${axis.label}`;
  const words = pooled ? `Each point pools ${groups.size} settings of the other axes. ` : "";
  const text = `${words}${
    ofAll ? "All models: a context that each of them read counts once. " : ""
  }Bars are 95 % intervals over contexts.`;
  if (numeric && axis.values.length > 1) {
    const numbers = axis.values as number[];
    const figure = curveFigure({
      title: "",
      xTitle: [axis.label, ...(axes.together.get(axis.name) ?? []).map((name) => `with ${name}`)].join(" "),
      yTitle: metric,
      xScale: numbers[0] > 0 && numbers.at(-1)! / numbers[0] >= 8 ? "log" : "linear",
      yRange: SCORE,
      series: series.map(([name, members]) => ({
        name: name || metric,
        points: axis.values.flatMap((value) => {
          const here = members.filter((setting) => valueOf(setting, axis.name) === value);
          return here.length > 0
            ? [{ x: value as number, ...pooledPoint(here), text: valueText(here[0], axis, axes) }]
            : [];
        }),
      })),
    });
    return { heading, text, figure };
  }
  const points = axis.values.flatMap((value) =>
    series.flatMap(([name, members]) => {
      const here = members.filter((setting) => valueOf(setting, axis.name) === value);
      if (here.length === 0) return [];
      const { y, ...interval } = pooledPoint(here);
      return [{ name: [String(value), !pooled && name].filter(Boolean).join(", "), value: y, ...interval }];
    })
  );
  const baseline = series.length === 1 ? comparisons[0]?.baseline : undefined;
  const mark = baseline && { value: baseline.score, text: "baseline" };
  return {
    heading,
    text,
    figure: categoryFigure({ title: "", valueTitle: metric, range: SCORE, points, ...(mark && { mark }) }),
  };
}

/** One setting's own figures, or those of several taken together context by context. */
function pooledPoint(settings: readonly SettingSummary[]): Omit<CurvePoint, "x"> {
  if (settings.length === 1) {
    const [{ score, interval }] = settings;
    return { y: score, ...interval };
  }
  const { clusters, mean } = pool(settings);
  return { y: mean, ...bootstrapInterval(clusters) };
}

/** Scores by context, of all settings that read it. */
function pool(settings: readonly SettingSummary[]) {
  const seeds = new Set(settings.flatMap(({ scores }) => [...scores.keys()]));
  const clusters = [...seeds].map((seed) => {
    const here = settings.map(({ scores }) => scores.get(seed)).filter((score) => score !== undefined);
    return { correct: here.reduce((sum, score) => sum + score, 0), total: here.length };
  });
  const total = clusters.reduce((sum, cluster) => sum + cluster.total, 0);
  return { clusters, mean: clusters.reduce((sum, cluster) => sum + cluster.correct, 0) / total };
}

function pairFigure({ settings, metric }: SweepSummary, first: SweepAxis, second: SweepAxis): SweepFigure {
  const values = second.values.map((y) =>
    first.values.map((x) => {
      const here = settings.filter((setting) =>
        valueOf(setting, first.name) === x && valueOf(setting, second.name) === y
      );
      return here.length > 0 ? pool(here).mean : null;
    })
  );
  return {
    heading: `${first.label} and ${second.label}`,
    text: "Means over contexts and over the other axes.",
    figure: gridFigure({
      title: "",
      xTitle: first.label,
      yTitle: second.label,
      xLabels: first.values.map(String),
      yLabels: second.values.map(String),
      values,
      range: [0, 1],
      colorTitle: metric,
    }),
  };
}

/** One figure for each model, length and options of the task: only what answers the same questions can be compared. */
function costFigures({ settings, metric }: SweepSummary): SweepFigure[] {
  const names = Object.keys(settings[0].axes);
  const isOfTask = (name: string) => name === "model" || name === "length" || name.startsWith("task.");
  const part = ({ axes }: SettingSummary, ofTask: boolean) =>
    Object.fromEntries(names.filter((name) => isOfTask(name) === ofTask).map((name) => [name, axes[name]]));
  const tasks = Map.groupBy(settings, (setting) => JSON.stringify(part(setting, true)));
  return [...tasks.values()].filter((members) => members.length > 1).map((members) => ({
    heading: ["Cost against quality", ...(tasks.size > 1 ? [settingLabel(part(members[0], true))] : [])].join(": "),
    text:
      "Seconds to read a context and answer its questions, on the machine told below. On the front nothing is both " +
      "cheaper and better; intervals may overlap.",
    figure: paretoFigure({
      title: "",
      xTitle: "seconds a trial",
      yTitle: metric,
      points: members.map((setting) => ({
        name: settingLabel(part(setting, false)),
        x: setting.readSeconds + setting.answerSeconds,
        y: setting.score,
        ...setting.interval,
        text: `${Math.round(setting.peakBytes / 2 ** 20)} MiB, scope ${setting.scope}`,
      })),
    }),
  }));
}
