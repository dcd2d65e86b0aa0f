import { type AxisValue, type SettingSummary, valueOf } from "../../lib/evaluation/mod.ts";

/** An axis of a sweep and the values that its settings have. */
export interface SweepAxis {
  /** Its name in the spec. */
  readonly name: string;
  /** Its name in words. */
  readonly label: string;
  /** Distinct values, numbers rising. */
  readonly values: readonly AxisValue[];
}

/** Axes that go on together with an axis before them, such as spans' clips, tell nothing of their own. */
export interface SweepAxes {
  /** Axes of their own. */
  readonly own: readonly SweepAxis[];
  /** Names of those that go on with one of these, by its name. */
  readonly together: ReadonlyMap<string, readonly string[]>;
}

/** The axes of a sweep's settings. */
export function sweepAxes(settings: readonly SettingSummary[]): SweepAxes {
  const own: SweepAxis[] = [];
  const together = new Map<string, string[]>();
  for (const name of Object.keys(settings[0].axes)) {
    const leader = own.find((axis) => follows(name, axis.name, settings) && follows(axis.name, name, settings));
    if (leader) together.set(leader.name, [...together.get(leader.name) ?? [], name]);
    else own.push({ name, label: name.replace(/^task\./, ""), values: valuesOf(name, settings) });
  }
  return { own, together };
}

/** Whether one axis' value says the other's. */
function follows(name: string, leader: string, settings: readonly SettingSummary[]): boolean {
  const told = new Map<AxisValue, AxisValue>();
  return settings.every((setting) => {
    const [key, value] = [valueOf(setting, leader), valueOf(setting, name)];
    if (!told.has(key)) told.set(key, value);
    return told.get(key) === value;
  });
}

function valuesOf(name: string, settings: readonly SettingSummary[]): AxisValue[] {
  const values = [...new Set(settings.map((setting) => valueOf(setting, name)))];
  return values.every((value) => typeof value === "number") ? values.sort((a, b) => a - b) : values;
}

/** A setting's value of an axis in words, with those that go on together with it. */
export function valueText(setting: SettingSummary, { name, label }: SweepAxis, { together }: SweepAxes): string {
  const others = (together.get(name) ?? []).map((other) =>
    `${other.replace(/^task\./, "")} ${valueOf(setting, other)}`
  );
  return [`${label} ${valueOf(setting, name)}`, ...others].join(", ");
}
