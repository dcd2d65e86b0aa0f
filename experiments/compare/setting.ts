/** A setting in words, such as "window 480"; what every setting has is left out. */
export function settingText(knobs: Record<string, unknown>): string {
  const { allowBeyondTrained: _, own, ...shared } = knobs;
  const all = { ...shared, ...(own as Record<string, unknown> | undefined) };
  return Object.entries(all).map(([name, value]) => `${name} ${value}`).join(", ") || "usual";
}
