import { z } from "@hono/zod-openapi";

/** What the routes of strategies answer. */

const time = z.string().openapi({ format: "date-time" });
const counts = z.record(z.string(), z.int());

export const STRATEGY_STATES = [
  "archived",
  "disabled",
  "may_not_open",
  "paused",
  "shadow",
  "trades",
] as const;

export const strategyViewSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    state: z
      .enum(STRATEGY_STATES)
      .describe("`trades`: it gets tasks; else the first thing that keeps it from them"),
    handler: z.string(),
    params: z.record(z.string(), z.unknown()).describe("of addresses only the host; secrets by their names"),
    enabled: z.boolean(),
    archived: z.boolean(),
    allow_open: z.boolean(),
    reverse: z.boolean(),
    shadow: z.boolean(),
    signal_age_ms_max: z.int().nullable(),
    exits: z.boolean().describe("whether it takes exits"),
    exit_age_ms_max: z
      .int()
      .nullable()
      .describe("of exits, in place of all other limits of age; 0: any age; null: as for openings"),
    tickers: z.array(z.string()).nullable().describe("the symbols it is limited to; null: all"),
    phrases: z
      .array(
        z.object({
          phrase: z.string(),
          direction: z.enum(["long", "short", "flat"]).nullable(),
          side: z.enum(["long", "short"]).nullable().describe("the only side that an exit closes"),
          state: z.enum(["enabled", "disabled", "ambiguous"]),
          signal_ids: z.array(z.int()),
          signals: z.array(z.string()).nullable().describe("their names; null: Postgres is unavailable"),
        }),
      )
      .describe("what it subscribes to"),
    paused: z
      .object({
        since: time.nullable(),
        by: z.string().nullable(),
        all: z.boolean().describe("every strategy is paused, not this one alone"),
      })
      .nullable(),
    unusable: z
      .array(
        z.object({
          reason: z.string().describe("for programs"),
          fault: z.string().describe("for people"),
          consumers: z.array(z.string()).describe("the processes that cannot run it"),
        }),
      )
      .describe("why it cannot be run; empty: no process that runs strategies has found a fault"),
    failing: z.boolean().describe("its last 3 tasks, or 5 of the last 10, ended `failed`"),
    last_ends: z
      .object({ count: z.int(), failed: z.int() })
      .nullable()
      .describe("of its last tasks within 24 h, since its row was changed; null: none of them failed"),
    counters: z
      .object({
        decided: counts.describe("decisions by status"),
        ended: counts.describe("tasks by status"),
        attempts: z.int(),
        run_ms_mean: z.number().nullable(),
      })
      .describe("since the counters in Redis began"),
    last_dispatch: z
      .object({ at: time, entry_id: z.string() })
      .nullable()
      .describe("among its newest rows in the log; null: none, or Postgres is unavailable"),
    last_end: z
      .object({ at: time, entry_id: z.string(), status: z.string(), reason: z.string().nullable() })
      .nullable()
      .describe("how its last task ended, in the same way"),
  })
  .openapi("Strategy");
export type StrategyView = z.infer<typeof strategyViewSchema>;

const common = {
  version: z.string().describe("of the snapshot"),
  log: z
    .enum(["available", "unavailable"])
    .describe("unavailable: names of signals, `last_dispatch` and `last_end` are missing"),
  runners: z.int().describe("processes that run strategies now; 0: it is not known what cannot be run"),
};

export const strategiesSchema = z
  .object({ ...common, strategies: z.array(strategyViewSchema).describe("by id") })
  .openapi("Strategies");

export const shownStrategySchema = z
  .object({ ...common, strategy: strategyViewSchema })
  .openapi("ShownStrategy");
