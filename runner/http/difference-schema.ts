import { z } from "@hono/zod-openapi";

const verdict = z.object({ status: z.string(), reason: z.string().nullable() });

/** Where two decisions differ. */
export const differenceSchema = z.object({
  signal: z.object({ was: verdict.nullable(), now: verdict }).nullable(),
  strategies: z.array(
    z.object({
      strategy_id: z.int(),
      strategy: z.string().nullable(),
      was: verdict.nullable(),
      now: verdict.nullable(),
    }),
  ),
});
