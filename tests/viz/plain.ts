// deno-lint-ignore no-explicit-any -- plotly's data and layout are free-form
export const plain = (value: unknown): any => value;
