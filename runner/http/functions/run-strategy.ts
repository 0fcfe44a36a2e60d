import { createRoute, z } from "@hono/zod-openapi";
import { outcomeRecordSchema } from "../../../shared/records.ts";
import { normaliseSymbol } from "../../../shared/signal/signal.ts";
import { isoTime } from "../../../shared/signal/time.ts";
import { idempotencyKeyOf, type Task } from "../../../shared/task.ts";
import { storable } from "../../../shared/text.ts";
import type { ManualRefusal } from "../../on-demand/manual-task.ts";
import { previewRun, runForReal } from "../../on-demand/run-strategy.ts";
import type { Services } from "../../setup/services.ts";
import { membersOf, oneOf, textUpTo } from "../expected.ts";
import { Problem } from "../problem.ts";
import { BEARER, byName, json, jsonBody, newRoutes, problems, reasonText } from "../routes.ts";
import { timeSchema } from "../searching.ts";
import { taskPreviewSchema } from "./preview-schemas.ts";

/** `POST /strategies/{id}/run`: what a strategy would do for a symbol and a direction, or does, without a signal. */
export function runStrategyRoutes(services: Services) {
  return newRoutes().openapi(route, async (c) => {
    const strategy = storable(c.req.valid("param").id);
    const {
      symbol,
      direction,
      side,
      time,
      signal_id: signalId,
      extra,
      invocation,
      for_real,
      by = "http",
      reason,
    } = c.req.valid("json");
    const request = { strategy, symbol, direction, side, time, signalId, extra, invocation };
    if (!for_real) {
      const { task, preview, ...previewed } = notRefused(await previewRun(request, services));
      return c.json({ dry_run: true as const, ...previewed, ...taskView(task), preview }, 200);
    }
    const { task, execution, deadLetter, ...done } = notRefused(
      await runForReal({ ...request, by, reason: reason ?? "" }, services),
    );
    const letter = deadLetter === undefined ? {} : { dead_letter: deadLetter };
    return c.json({ dry_run: false as const, ...done, ...taskView(task), execution, ...letter }, 200);
  });
}

const EXAMPLE = '{"symbol": "BTCUSDT", "direction": "long"}';
const SIGNAL_TEXT = "expected the id of a signal, a whole number such as 4";
const INVOCATION_TEXT =
  "expected 8 to 64 letters, digits, - and _ that no other run has, such as by-hand-2026-01-05";
const EXTRA_TEXT = 'expected an object of texts, such as {"qty": "1.5"}';
const FOR_REAL_TEXT = 'expected true or false, such as in {"for_real": true}';

const symbolText = textUpTo(100, { what: "a ticker symbol", example: "BTCUSDT" });

const body = membersOf(
  {
    symbol: symbolText
      .transform(storable)
      .refine(
        (text) => normaliseSymbol(text) !== "",
        "expected a ticker symbol before the .P, such as BTCUSDT.P",
      )
      .openapi({ type: "string", example: "BTCUSDT" }),
    direction: oneOf(["long", "short", "flat"]).describe("`flat`: an exit"),
    side: oneOf(["long", "short"]).optional().describe("with `flat`, the only side to close; default: both"),
    time: timeSchema
      .optional()
      .openapi({ type: "string", description: "of the bar; default: the start of this minute" }),
    signal_id: z
      .int(SIGNAL_TEXT)
      .min(1, SIGNAL_TEXT)
      .max(2_147_483_647, SIGNAL_TEXT)
      .optional()
      .describe("signal that the handler is told of; default: the first the strategy subscribes to"),
    extra: z
      .record(z.string(), z.string(EXTRA_TEXT), EXTRA_TEXT)
      .optional()
      .describe("what is to come along, as the fields of a signal that the router does not read"),
    for_real: z.boolean(FOR_REAL_TEXT).default(false).describe("true: run it, which needs a `reason`"),
    invocation: z
      .string(INVOCATION_TEXT)
      .regex(/^[\w-]{8,64}$/, INVOCATION_TEXT)
      .optional()
      .describe("makes a repeated call harmless: it runs only what the first did not; default: a new one"),
    by: byName.optional(),
    reason: reasonText.optional().describe("why it is run for real, for the record"),
  },
  EXAMPLE,
)
  .superRefine(({ direction, side, for_real, reason }, context) => {
    if (side !== undefined && direction !== "flat") {
      const message = 'expected no side, or {"direction": "flat"} with it: an exit closes a side';
      context.addIssue({ code: "custom", path: ["side"], message });
    }
    if (!for_real || reason !== undefined) return;
    const message = 'expected a reason with `for_real`, such as "the signal was lost": it is recorded';
    context.addIssue({ code: "custom", path: ["reason"], message });
  })
  .openapi("StrategyRun");

const run = {
  invocation: z.string(),
  entry_id: z.string().describe("of the run, for GET /entries/{id}; no signal has it"),
  symbol: z.string(),
  direction: z.enum(["long", "short", "flat"]),
  side: z.enum(["long", "short"]).nullable().describe("the only side that an exit closes"),
  time: z.string(),
  idempotency_key: z.string(),
};

export const strategyRunAnswer = z
  .union([
    z.object({ dry_run: z.literal(true), ...run, preview: taskPreviewSchema }),
    z.object({
      dry_run: z.literal(false),
      ...run,
      execution: outcomeRecordSchema.describe("what the run came to, as it was recorded"),
      dead_letter: z.string().optional().describe("why it became a dead letter, which can be retried"),
    }),
  ])
  .openapi("StrategyRunAnswer");
export type StrategyRunAnswer = z.infer<typeof strategyRunAnswer>;

const route = createRoute({
  method: "post",
  path: "/strategies/{id}/run",
  summary: "What a strategy would do for a symbol and a direction; with `for_real`, do it",
  description:
    "Without `for_real` nothing is changed or sent. For real it is an invocation of its own, recorded in `invocations`, with a uid and an idempotency key that no signal has. A paused, disabled, archived or shadow strategy is not run, and neither is one on a ticker that it may not trade; an exit (`flat`) is stopped by what stops an exit that is sent.",
  security: BEARER,
  tags: ["strategies"],
  request: {
    params: z.object({
      id: z.string().openapi({ example: "1", description: "id or name of a strategy, percent-encoded" }),
    }),
    body: jsonBody(body),
  },
  responses: {
    200: json(strategyRunAnswer, "what would be done, or what the run came to"),
    ...problems(401, 404, 409, 413, 415, 422, 503),
  },
});

function taskView(task: Task) {
  const { entryId, symbol, direction, side, barTime } = task;
  return {
    entry_id: entryId,
    symbol,
    direction,
    side,
    time: isoTime(barTime),
    idempotency_key: idempotencyKeyOf(task),
  };
}

/** The answer. @throws Problem when it is a refusal */
function notRefused<Answer extends object>(answer: Answer | ManualRefusal): Answer {
  if (!("code" in answer)) return answer;
  const { issues, ...refusal } = answer;
  throw new Problem({ ...refusal, ...(issues === undefined ? {} : { issues: [...issues] }) });
}
