import { OpenAPIHono, z, type RouteConfig } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import { isEntryId } from "../../shared/entry.ts";
import { Problem, problemSchema } from "./problem.ts";

/** What every group of routes is made with. */
export interface AppEnv {
  Variables: RequestIdVariables;
}

/** Routes whose requests are checked against their schemas; what does not fit is a problem with an issue for each fault. */
export function newRoutes(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook(result, c) {
      if (result.success) return;
      const issues = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      throw new Problem({
        status: 422,
        code: "invalid_request",
        detail: `the ${result.target} of ${c.req.method} ${c.req.routePath} is not what is expected`,
        issues,
      });
    },
  });
}

/** Name of the security scheme in the OpenAPI document. */
export const BEARER = [{ bearer: [] }];

/** The problems a route can answer with, for its `responses`. */
export function problems<Status extends number>(...statuses: readonly Status[]) {
  const content = { "application/problem+json": { schema: problemSchema } };
  const described = statuses.map(
    (status) => [status, { description: "problem details, RFC 9457", content }] as const,
  );
  return Object.fromEntries(described) as Record<
    Status,
    { description: string; content: typeof content }
  > satisfies RouteConfig["responses"];
}

/** A JSON answer, for a route's `responses`. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body, for a route's `request`. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

export const entryIdSchema = z
  .string()
  .refine(isEntryId, "expected an entry id such as 1700000000000-0")
  .openapi({ example: "1700000000000-0" });

/** Name of whoever asks, for the record. */
export const byName = z.string().trim().min(1).max(200);
