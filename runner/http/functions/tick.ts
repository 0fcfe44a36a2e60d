import { createRoute, z } from "@hono/zod-openapi";
import { FUNCTION_NAMES } from "../../../shared/function-names.ts";
import { budgetOf } from "../../consume/budget.ts";
import type { Tick, TickPart } from "../../jobs/tick.ts";
import type { Services } from "../../setup/services.ts";
import { problemResponse, problemSchema } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { budgetMs, pollView } from "./poll.ts";

const partSchema = z
  .object({
    part: z.enum(["refresh-reference", "reclaim", "poll", "trim", "prune"]),
    function: z.enum(FUNCTION_NAMES).optional().describe("whose groups it is about"),
    status: z.enum(["done", "not_due", "skipped", "failed"]),
    took_ms: z.int(),
    result: z.looseObject({}).optional().describe("what was done, also when some of it failed"),
    error: z.string().optional(),
  })
  .openapi("TickPart");
type PartView = z.infer<typeof partSchema>;

const tickAnswer = z.object({ parts: z.array(partSchema), took_ms: z.int() }).openapi("TickAnswer");
const tickProblem = problemSchema.extend({ parts: z.array(partSchema).optional() }).openapi("TickProblem");

/** `POST /tick`: one round of everything, for a scheduler that takes the place of a running router. */
export function tickRoutes(tick: Tick, { stopping }: Pick<Services, "stopping">) {
  const failed = {
    description: "problem details, RFC 9457: something did not work; `parts` says what did",
    content: { "application/problem+json": { schema: tickProblem } },
  };
  const route = createRoute({
    method: "post",
    path: "/tick",
    summary: "One round of everything a router does",
    description:
      "Refreshes the reference when that is due, takes over what was left unfinished, works on all groups of FUNCTIONS, trims and cleans up. One part's failure does not stop the next. Two rounds at once are harmless.",
    security: BEARER,
    tags: ["functions"],
    request: { query: z.strictObject({ budgetMs }) },
    responses: { 200: json(tickAnswer, "all went well"), ...problems(401, 413, 422), 503: failed },
  });
  return newRoutes().openapi(route, async (c) => {
    const startedAt = performance.now();
    const parts = (await tick(budgetOf(c.req.valid("query").budgetMs, stopping))).map(partView);
    const took_ms = Math.round(performance.now() - startedAt);
    const failures = parts.filter(({ status }) => status === "failed");
    if (failures.length === 0) return c.json({ parts, took_ms }, 200);
    const detail = failures.map((part) => `${nameOf(part)}: ${part.error ?? ""}`).join("; ");
    const hint = "what was away is tried again with the next call";
    const problem = problemResponse(c, { status: 503, code: "tick_incomplete", detail, hint });
    const body = problemSchema.parse(await problem.json());
    return c.json({ ...body, parts }, 503, { "content-type": "application/problem+json" });
  });
}

function partView({ part, functionName, tookMs, result, ...said }: TickPart): PartView {
  return {
    part,
    ...(functionName === undefined ? {} : { function: functionName }),
    ...said,
    took_ms: tookMs,
    ...(result === undefined ? {} : { result: "lost" in result ? pollView(result) : { ...result } }),
  };
}

function nameOf(part: PartView): string {
  return part.function === undefined ? part.part : `${part.part} of ${part.function}`;
}
