import { createRoute, z } from "@hono/zod-openapi";
import { FUNCTION_NAMES } from "../../../shared/function-names.ts";
import { budgetOf } from "../../consume/budget.ts";
import type { Tick, TickPart } from "../../jobs/tick.ts";
import type { Services } from "../../setup/services.ts";
import { membersOf } from "../expected.ts";
import { PROBLEM_TYPE, problemBody, problemSchema } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { pollView } from "./poll.ts";
import { budgetMs } from "./schemas.ts";

/** `POST /tick`: one round of everything a router does, for a scheduler that calls it instead of a running router. */
export function tickRoutes(tick: Tick, { stopping }: Pick<Services, "stopping">) {
  const failed = {
    description: "problem details, RFC 9457: a part failed; `parts` has the result of each",
    content: { [PROBLEM_TYPE]: { schema: tickProblem } },
  };
  const route = createRoute({
    method: "post",
    path: "/tick",
    summary: "One round of everything a router does",
    description:
      "Refreshes the reference when it is due, reclaims pending entries, processes the groups of FUNCTIONS, trims streams and prunes the log. A part that fails does not stop the next. Several rounds at once are harmless.",
    security: BEARER,
    tags: ["functions"],
    request: { query: membersOf({ budgetMs }, "?budgetMs=10000") },
    responses: { 200: json(tickAnswer, "every part worked"), ...problems(401, 413, 422), 503: failed },
  });
  return newRoutes().openapi(route, async (c) => {
    const startedAt = performance.now();
    const parts = (await tick(budgetOf(c.req.valid("query").budgetMs, stopping))).map(partView);
    const took_ms = Math.round(performance.now() - startedAt);
    const failures = parts.filter(({ status }) => status === "failed");
    if (failures.length === 0) return c.json({ parts, took_ms }, 200);
    const detail = failures.map((part) => `${nameOf(part)}: ${part.error ?? ""}`).join("; ");
    const hint = "the next call tries again";
    const body = problemBody({ status: 503, code: "tick_incomplete", detail, hint }, c.get("requestId"));
    return c.json({ ...body, parts }, 503, { "content-type": PROBLEM_TYPE });
  });
}

const partSchema = z
  .object({
    part: z.enum(["refresh-reference", "reclaim", "poll", "trim", "prune"]),
    function: z.enum(FUNCTION_NAMES).optional().describe("the function whose groups it processed"),
    status: z.enum(["done", "not_due", "skipped", "failed"]),
    took_ms: z.int(),
    result: z.looseObject({}).optional().describe("what was done, even if some of it failed"),
    error: z.string().optional(),
  })
  .openapi("TickPart");
type PartView = z.infer<typeof partSchema>;

const tickAnswer = z.object({ parts: z.array(partSchema), took_ms: z.int() }).openapi("TickAnswer");
const tickProblem = problemSchema.extend({ parts: z.array(partSchema).optional() }).openapi("TickProblem");

function partView({ part, functionName, tookMs, result, ...rest }: TickPart): PartView {
  return {
    part,
    ...(functionName === undefined ? {} : { function: functionName }),
    ...rest,
    took_ms: tookMs,
    ...(result === undefined ? {} : { result: "lost" in result ? pollView(result) : { ...result } }),
  };
}

function nameOf(part: PartView): string {
  return part.function === undefined ? part.part : `${part.part} of ${part.function}`;
}
