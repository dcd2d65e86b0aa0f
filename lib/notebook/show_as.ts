/** What a value looks like, by MIME type. */
export type DisplayBundle = Record<string, unknown>;

/** Deno's kernel calls the method of this name on the last value of a cell. */
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display") as never;

/** Adds the picture of a value to what words and tables tell of it. */
export type Picture = (value: unknown, told: DisplayBundle) => DisplayBundle | Promise<DisplayBundle>;

const pictures = new Map<string, Picture>();

/** From now on values of this kind are shown with a picture too. Layers that draw call this once. */
export function showWithPictures(kind: string, picture: Picture): void {
  pictures.set(kind, picture);
}

/**
 * Gives a plain value (a list of rows, a set of knobs) the method that notebooks call. It is not enumerable: loops, JSON,
 * spreading and comparisons don't see it.
 *
 * @param kind what the value is; pictures are made by kind
 * @param bundle the value in words and tables
 */
export function showAs<T extends object>(value: T, kind: string, bundle: () => DisplayBundle): T {
  const show = async (): Promise<DisplayBundle> => await pictures.get(kind)?.(value, bundle()) ?? bundle();
  return Object.defineProperty(value, displaySymbol, { value: show, enumerable: false, configurable: true });
}
