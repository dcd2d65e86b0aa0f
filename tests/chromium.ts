/** Chromium, where a test finds it; undefined: tests with it are left out. */
export const chromiumPath = [Deno.env.get("CHROMIUM") ?? "", "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
  (path) => {
    try {
      return path !== "" && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  },
);
/** Debian's Chromium brings a software adapter, SwiftShader, which has no half floats. */
export const SOFTWARE_ADAPTER = ["--no-sandbox", "--enable-unsafe-webgpu", "--enable-features=Vulkan"];
