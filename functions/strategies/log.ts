import * as z from "zod";
import { defineStrategy } from "../../shared/strategy.ts";

/** Records that the signal has come, and nothing else: the handler of a strategy that names none. */
export const log = defineStrategy({
  name: "log",
  params: z.object({}),
  run: ({ signal, log: say }) => {
    say(`${signal.direction} on ${signal.symbol}`);
    return { status: "executed" };
  },
});
