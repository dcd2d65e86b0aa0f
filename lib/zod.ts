// zod in the form of functions: a browser's bundle holds only those in use (a tenth of the other form), with messages in English.

import { config } from "zod/mini";
import english from "zod/v4/locales/en.js";

config(english());

export * from "zod/mini";
export { $ZodError } from "zod/v4/core";
