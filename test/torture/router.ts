import { appendFileSync } from "node:fs";
import * as z from "zod";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import { defineStrategy, type AnyStrategyHandler } from "../../shared/strategy.ts";
import { BEGUN_HANDLER, BEGUN_VARIABLE } from "./begun.ts";

/** The router as users run it, with one more handler: it writes each run down, in a file, the moment it begins. */

const path = process.env[BEGUN_VARIABLE] ?? "";

const noted = defineStrategy({
  name: BEGUN_HANDLER,
  params: z.looseObject({}),
  run({ signal, strategy, attempt }) {
    // One short write at the end of a file: the lines of all routers are in the order of their writes.
    appendFileSync(path, `${strategy.id} ${signal.symbol} ${signal.entryId} ${attempt}\n`);
    return { status: "executed" };
  },
});

(HANDLERS as AnyStrategyHandler[]).push(noted);
await import("../../runner/main.ts");
