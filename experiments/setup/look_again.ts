/** Run as a worker once drivers are installed: a thread that was not there before finds what its process once missed. */

import { adapterLine, adapterReport } from "./describe.ts";

const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
postMessage(adapter ? { line: adapterLine(adapter), report: adapterReport(adapter) } : {});
