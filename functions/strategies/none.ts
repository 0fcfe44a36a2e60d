import * as z from "zod";
import { defineStrategy } from "../../shared/strategy.ts";

/** Leaves the task to an external worker that reads `strategy_input_stream` with a consumer group of its own. */
export const none = defineStrategy({
  name: "none",
  params: z.object({}),
  plan: () => ({ status: "delegated" }),
});
