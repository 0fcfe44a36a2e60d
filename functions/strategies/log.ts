import * as z from "zod";
import { directionText } from "../../shared/direction-text.ts";
import { defineStrategy } from "../../shared/strategy.ts";

/** Writes a line to the router's log, and nothing else: the handler of a strategy that names none. */
export const log = defineStrategy({
  name: "log",
  params: z.object({}),
  plan: ({ signal }) => ({
    status: "executed",
    log: `${directionText(signal.direction, signal.side)} on ${signal.symbol}`,
  }),
});
