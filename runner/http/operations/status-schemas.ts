import { z } from "@hono/zod-openapi";
import { reportSchema } from "../../../shared/io/status/unusable-reports.ts";
import { READ_TABLES } from "../../../shared/reference/reference.ts";
import { ROW_RULE_NAMES } from "../../../shared/reference/row-rules.ts";

/** What `GET /status` answers. Times are milliseconds since 1970, by Redis' clock. */

const ms = z.number();
const at = ms.nullable();

const groupSchema = z.object({
  name: z.string(),
  consumers: z.int(),
  pending: z.int().describe("delivered and not acknowledged"),
  lag: z.int().nullable().describe("not delivered yet; null when there are many and Redis does not know"),
  oldestPendingIdleMs: at.describe("since the last delivery or heartbeat of its oldest pending entry"),
  oldestPendingAt: at,
  waiting: z
    .object({
      count: z.int(),
      isExact: z.boolean(),
      oldestAt: at,
      seenMs: ms.describe("for how long this process has seen the same one as the oldest"),
      strategies: z
        .array(z.object({ strategyId: z.int(), count: z.int() }))
        .describe("of the oldest waiting tasks, how many are for which strategy"),
    })
    .nullable()
    .describe("what waits for one of the router's own groups; null for others"),
  own: z.boolean().describe("false: a group of another service"),
  group: z.string().nullable().describe("which of the router's own groups it is"),
});

const faultSchema = z.object({
  table: z.enum(READ_TABLES),
  row: z.string(),
  column: z.string(),
  value: z.string(),
  rule: z.enum(ROW_RULE_NAMES).optional(),
  effect: z.string(),
});

export const statusSchema = z
  .object({
    health: z.object({
      status: z.enum(["ready", "degraded", "not_ready"]),
      reasons: z.array(z.string()).describe("what needs attention, the worst first"),
    }),
    server: z.object({
      refusals: z.array(
        z.object({ code: z.string(), meaning: z.string(), advice: z.string(), said: z.string() }),
      ),
      memory: z.object({ used: z.number().nullable(), max: z.number().nullable() }),
    }),
    streams: z.array(z.object({ name: z.string(), length: z.int(), groups: z.array(groupSchema) })),
    loops: z
      .array(
        z.object({
          stream: z.string(),
          group: z.string(),
          consumer: z.string(),
          at: ms,
          everyMs: ms.optional().describe("time between two heartbeats, where a scheduler causes them"),
        }),
      )
      .describe("poll loops that run, or were killed not long ago"),
    holders: z
      .array(
        z.object({
          group: z.string(),
          status: z.enum(["held", "expired", "free", "unreadable"]),
          runner: z.string().nullable().describe("who holds it, or held it last"),
          since: at,
          until: at.describe("until when the lease is valid without a renewal"),
          renewedAt: at,
          problem: z.string().optional(),
          seenFreeMs: ms.describe("for how long this process has seen that no router holds it"),
        }),
      )
      .describe("which router may read each group that keeps its order"),
    routers: z
      .array(
        z.object({
          consumer: z.string(),
          functions: z.array(z.string()),
          pid: z.int(),
          host: z.string(),
          everyMs: ms.describe("time between two signs of life"),
          since: ms,
          at: ms.describe("the last one"),
        }),
      )
      .describe("routers that run, or were killed a moment ago; GET /routers says what they hold"),
    reference: z.object({
      version: z.string().nullable(),
      confirmedAt: at,
      faults: z.object({ count: z.int(), named: z.array(faultSchema) }).optional(),
      failures: z.object({ count: z.int(), error: z.string() }).optional(),
      damage: z.string().optional(),
      newerFormat: z.object({ format: z.int(), known: z.int() }).optional(),
      sources: z.array(z.string()).optional().describe("enabled webhook sources"),
    }),
    strategies: z.object({
      names: z.record(z.string(), z.string()).describe("by id"),
      reports: z
        .array(reportSchema.extend({ consumer: z.string() }))
        .describe("the strategies that each process cannot run"),
      tasks: z.array(
        z.object({
          strategyId: z.int(),
          name: z.string(),
          ends: z.array(z.object({ row: z.string(), at: ms, failed: z.boolean() })),
        }),
      ),
    }),
    deadLetters: z.object({ count: z.int(), oldestAt: at }),
    shadow: z.object({ isShadow: z.boolean(), suffix: z.string() }),
    foreignConsumers: z.array(
      z.object({
        stream: z.string(),
        group: z.string(),
        groupName: z.string(),
        consumer: z.string(),
        pending: z.int(),
        idleMs: ms,
        isAdopted: z.boolean(),
      }),
    ),
    paused: z.record(z.string(), z.string()).describe("`*` or the id of a strategy, with who paused it"),
    metrics: z.record(z.string(), z.number()).describe("counters of all processes"),
    now: ms,
  })
  .openapi("Status");
