import fs from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { BrowserType } from "playwright-core";

/**
 * Playwright's Chromium. On import it looks for files under /proc, and expects of `existsSync` what Node promises: false for
 * whatever can't be looked at. Deno's throws for files that only a program with all permissions may look at.
 */
export async function playwrightChromium(): Promise<BrowserType> {
  const exists = fs.existsSync;
  fs.existsSync = (path) => {
    try {
      return exists(path);
    } catch {
      return false;
    }
  };
  // Profiles and the like are temporary files: where the system's folder for them may not be written, they go into results.
  if ((await Deno.permissions.query({ name: "write", path: tmpdir() })).state !== "granted") {
    const folder = resolve("results/browser");
    await Deno.mkdir(folder, { recursive: true });
    Deno.env.set("TMPDIR", folder);
  }
  try {
    return (await import("playwright-core")).chromium;
  } finally {
    fs.existsSync = exists;
  }
}
