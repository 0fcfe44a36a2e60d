import { createRoute, z } from "@hono/zod-openapi";
import { STREAMS } from "../../../shared/keys.ts";
import { budgetOf, withinBudget } from "../../consume/budget.ts";
import { drainFunction, type PollAnswer } from "../../consume/drain-function.ts";
import { UnavailableError } from "../../engine/retry-until-stopped.ts";
import type { Services } from "../../setup/services.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { bindingsNamed } from "./call.ts";

/** Time for one call, in ms; what is in hand at its end gets a little more. */
export const budgetMs = z.coerce
  .number()
  .int()
  .positive()
  .max(55_000)
  .default(10_000)
  .describe(
    "time to use, in ms; after it nothing is read or begun any more, and what is in hand is finished: 3 s more, and STRATEGY_TIMEOUT_MS for strategies that have been begun",
  );

const drained = {
  read: z.int(),
  committed: z.int(),
  left: z.int().describe("read and not committed: pending, and taken over after CLAIM_IDLE_MS"),
  empty: z.boolean().describe("nothing was waiting any more"),
  unavailable: z.string().optional().describe("what kept it from going on"),
};
export const pollAnswer = z
  .object({
    ...drained,
    took_ms: z.int(),
    streams: z.array(z.object({ stream: z.enum(STREAMS), ...drained })),
  })
  .openapi("PollAnswer");

/** `POST /functions/{name}/poll`: what a poll loop does, for a while. */
export function pollRoutes(services: Services) {
  const route = createRoute({
    method: "post",
    path: "/functions/{name}/poll",
    summary: "Work on what waits, until nothing does or the time is used",
    description:
      "For schedulers and serverless platforms; may be called while a router runs, and twice at a time.",
    security: BEARER,
    tags: ["functions"],
    request: {
      params: z.object({ name: z.string().openapi({ example: "process-signals" }) }),
      query: z.strictObject({
        budgetMs,
        countMax: z.coerce
          .number()
          .int()
          .positive()
          .max(1_000_000)
          .optional()
          .describe("entries read at most"),
      }),
    },
    responses: { 200: json(pollAnswer, "what was done"), ...problems(401, 404, 409, 413, 422, 503) },
  });
  return newRoutes().openapi(route, async (c) => {
    const { name } = c.req.valid("param");
    const { budgetMs: ms, countMax } = c.req.valid("query");
    const bindings = bindingsNamed(name, services);
    const budget = budgetOf(ms, services.stopping);
    await services.clock.sample();
    const answer = await withinBudget(
      budget,
      { what: name, works: bindings },
      drainFunction(bindings, services, { budget, countMax }),
    );
    const [lost] = answer.lost;
    if (lost !== undefined) {
      throw new Problem({ status: 409, code: "group_lost", detail: lost.message, hint: lost.hint });
    }
    if (answer.unavailable !== undefined && answer.committed === 0)
      throw new UnavailableError(answer.unavailable);
    return c.json(pollView(answer), 200);
  });
}

/** The answer as it is sent. */
export function pollView(answer: PollAnswer): z.infer<typeof pollAnswer> {
  const { tookMs, streams, lost: _, ...totals } = answer;
  return { ...totals, took_ms: tookMs, streams: [...streams] };
}
