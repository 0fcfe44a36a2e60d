import { createRoute, z } from "@hono/zod-openapi";
import { unusableEvents } from "../../../functions/check-strategies.ts";
import { EVENT_LEVELS } from "../../../shared/events.ts";
import {
  phraseSchema,
  READ_TABLES,
  strategySchema,
  tickerSchema,
} from "../../../shared/reference/reference.ts";
import type { RowFaults } from "../../../shared/reference/row-faults.ts";
import { ROW_RULE_NAMES } from "../../../shared/reference/row-rules.ts";
import { webhookSourceSchema } from "../../../shared/reference/webhook-source.ts";
import { membersOf, oneOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";

/** `GET /reference` and `POST /reference/refresh`: the snapshot that signals are decided on. */

const counts = z.object({ tickers: z.int(), strategies: z.int(), phrases: z.int() });

const faults = z
  .object({
    count: z.int(),
    named: z
      .array(
        z.object({
          table: z.enum(READ_TABLES),
          row: z.string().describe("name and id"),
          column: z.string(),
          value: z.string().describe("what stands there; of `params` and `template` only the kind of value"),
          rule: z
            .enum(ROW_RULE_NAMES)
            .optional()
            .describe("what it breaks together with other rows; absent: it cannot be read"),
          effect: z.string().describe("what the router does now"),
        }),
      )
      .describe("the first of them"),
  })
  .describe("what cannot be used in the rows; everything else is current");

const snapshotSchema = z
  .object({
    version: z.string(),
    counts,
    faults,
    created_at: z.string(),
    confirmed_at: z
      .string()
      .nullable()
      .describe("when Postgres was last confirmed to have this content; null: not known"),
    age_ms: z.int().nullable().describe("age of `confirmed_at`, by Redis' clock"),
    content: z
      .object({
        tickers: z.record(z.string(), tickerSchema).describe("by symbol"),
        strategies: z.record(z.string(), strategySchema).describe("by id"),
        phrases: z.record(z.string(), phraseSchema).describe("by phrase, case folded"),
        sources: z.record(z.string(), webhookSourceSchema).describe("webhook sources by name"),
      })
      .optional(),
  })
  .openapi("Snapshot");

const refreshedSchema = z
  .object({
    state: z
      .enum(["published", "unchanged", "refused", "newer_format"])
      .describe(
        "refused: another refresh, which began later, has published first · newer_format: a newer version of the router has published, upgrade this one",
      ),
    version: z.string(),
    counts,
    faults,
    warnings: z
      .array(z.object({ level: z.enum(EVENT_LEVELS), message: z.string() }))
      .describe("about the rows, when a version is published"),
  })
  .openapi("Refreshed");

const common = { security: BEARER, tags: ["reference"] };

const showRoute = createRoute({
  ...common,
  method: "get",
  path: "/reference",
  summary: "The snapshot that signals are decided on",
  request: {
    query: membersOf(
      { content: oneOf(["true", "false"]).default("true").describe("false leaves the content out") },
      "?content=false",
    ),
  },
  responses: { 200: json(snapshotSchema, "the current snapshot"), ...problems(401, 404, 422, 503) },
});

const refreshRoute = createRoute({
  ...common,
  method: "post",
  path: "/reference/refresh",
  summary: "Read the reference from Postgres now",
  responses: { 200: json(refreshedSchema, "the result of the refresh"), ...problems(401, 503) },
});

export function referenceRoutes({ services }: HttpDeps) {
  const { referenceStore, clock } = services;
  return newRoutes()
    .openapi(showRoute, async (c) => {
      const stored = await referenceStore.load();
      if (stored === undefined) throw noSnapshot();
      const { version, content, meta, faults: found, confirmedAt } = stored;
      await clock.sample();
      return c.json(
        {
          version,
          counts: {
            tickers: meta.tickers,
            strategies: meta.strategies,
            phrases: meta.strategy_signals,
          },
          faults: shownFaults(found),
          created_at: meta.created_at,
          confirmed_at: confirmedAt === undefined ? null : new Date(confirmedAt).toISOString(),
          age_ms: confirmedAt === undefined ? null : Math.max(0, clock.now() - confirmedAt),
          ...(c.req.valid("query").content === "true"
            ? {
                content: {
                  tickers: Object.fromEntries(content.tickers),
                  strategies: Object.fromEntries(content.strategies),
                  phrases: Object.fromEntries(content.phrases),
                  sources: Object.fromEntries(content.sources),
                },
              }
            : {}),
        },
        200,
      );
    })
    .openapi(refreshRoute, async (c) => {
      const { events, faultEvents: _, faults: found, unusable, ...result } = await services.refresh();
      const warnings = [...events, ...unusableEvents(unusable)]
        .filter(({ level }) => level !== "INFO")
        .map(({ level, message }) => ({ level, message }));
      return c.json({ ...result, faults: shownFaults(found), warnings }, 200);
    });
}

function shownFaults({ count, named }: RowFaults): z.infer<typeof faults> {
  return { count, named: [...named] };
}

export function noSnapshot(): Problem {
  const detail = "Redis holds no usable reference snapshot, so no signal is decided";
  const hint = "POST /reference/refresh makes one from the tables in Postgres";
  return new Problem({ status: 404, code: "no_snapshot", detail, hint });
}
