/**
 * What the toolkit promises of its zod schemas: enough to check a value and to say what is wrong with it.
 * (zod's own types are left out of public signatures: they are what documentation tools and JSR call slow types.)
 */
export interface Schema<T> {
  /**
   * The checked value.
   *
   * @throws {Error} zod's error, with one entry per fault.
   */
  parse(value: unknown): T;
  /** The same without throwing. */
  safeParse(value: unknown): SchemaResult<T>;
}

/** What a check found: the value, or the faults. */
export type SchemaResult<T> = { success: true; data: T; error?: undefined } | { success: false; error: Error };
