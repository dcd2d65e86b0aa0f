import * as z from "../zod.ts";
import { environmentVariable, fileExists, readText } from "../platform.ts";
import type { AdapterInfo } from "./adapter.ts";

/** What `deno task tune` found for an adapter. */
export interface TunedChoices {
  /** Version of the format. */
  readonly schema: 1;
  /** The adapter's name. */
  readonly adapter: string;
  /** The fastest option's name by question, where it is not the usual one. */
  readonly choices: Record<string, string>;
}

const schema: z.ZodMiniType<TunedChoices> = z.strictObject({
  schema: z.literal(1),
  adapter: z.string(),
  choices: z.record(z.string(), z.string()),
});

/**
 * Where an adapter's tuned choices are kept, in the user's cache folder; undefined where there is none, as in a browser. The
 * name tells adapter and driver as far as the platform does, and the runtime's version.
 *
 * @example
 * ```ts
 * import { tunedChoicesPath } from "@reattention/toolkit/gpu";
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch(tunedChoicesPath({ name: "Some GPU", vendor: "4318" }) ?? "", /4318-some-gpu.*\.json$|^$/);
 * ```
 */
export function tunedChoicesPath({ name, vendor }: Pick<AdapterInfo, "name" | "vendor">): string | undefined {
  const home = environmentVariable("HOME");
  const cache = environmentVariable("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  if (!cache) return undefined;
  const runtime = (globalThis.navigator as { userAgent?: string } | undefined)?.userAgent ?? "";
  const slug = `${vendor} ${name} ${runtime}`.toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^-|-$/g, "");
  return `${cache}/reattention/tuned/${slug}.json`;
}

/**
 * An adapter's tuned choices; none where it was not tuned. A file that can't be read is told and left alone.
 *
 * @example
 * ```ts
 * import { readTunedChoices } from "@reattention/toolkit/gpu";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await readTunedChoices({ name: "never tuned", vendor: "none" }), {});
 * ```
 */
export async function readTunedChoices(info: Pick<AdapterInfo, "name" | "vendor">): Promise<Record<string, string>> {
  const path = tunedChoicesPath(info);
  try {
    if (!path || !await fileExists(path)) return {};
    const { data, error } = schema.safeParse(JSON.parse(await readText(path)));
    if (data) return data.choices;
    throw new TypeError(z.prettifyError(error!));
  } catch (error) {
    const why = (error as Error).message;
    console.warn(
      `tuned choices in ${path} can't be used, so the usual ones are: ${why}. Run \`deno task tune\` again.`,
    );
    return {};
  }
}
