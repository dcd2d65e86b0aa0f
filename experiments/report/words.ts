/** A chance as it is told: "0.03", "<0.001". */
export function chanceText(chance: number): string {
  return chance < 0.001 ? "<0.001" : chance.toFixed(3);
}

/** A difference with its sign. */
export function signed(number: number): string {
  const text = Math.abs(number).toFixed(2);
  if (Number(text) === 0) return "0.00";
  return `${number < 0 ? "−" : "+"}${text}`;
}
