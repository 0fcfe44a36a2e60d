import { createRoute, type z } from "@hono/zod-openapi";
import { budgetOf, withinBudget } from "../../consume/budget.ts";
import { drainFunction, type DrainAnswer } from "../../consume/drain-function.ts";
import { UnavailableError } from "../../engine/retry-until-stopped.ts";
import type { Services } from "../../setup/services.ts";
import { integerIn, membersOf } from "../expected.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { bindingsNamed } from "./call.ts";
import { budgetMs, nameParams, pollAnswer } from "./schemas.ts";

/** `POST /functions/{name}/poll`: does for a limited time what a poll loop does. */
export function pollRoutes(services: Services) {
  const route = createRoute({
    method: "post",
    path: "/functions/{name}/poll",
    summary: "Process waiting entries until none is left or the time is used",
    description:
      "For schedulers and serverless platforms. It may be called while a router runs, and several times at once.",
    security: BEARER,
    tags: ["functions"],
    request: {
      params: nameParams,
      query: membersOf(
        {
          budgetMs,
          countMax: integerIn({ what: "a number of entries", min: 1, max: 1_000_000, example: 500 })
            .optional()
            .describe("maximum number of entries to read"),
        },
        "?budgetMs=5000",
      ),
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
export function pollView(answer: DrainAnswer): z.infer<typeof pollAnswer> {
  const { tookMs, streams, lost: _, ...totals } = answer;
  return { ...totals, took_ms: tookMs, streams: [...streams] };
}
