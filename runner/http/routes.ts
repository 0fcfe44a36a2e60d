import { OpenAPIHono, z, type RouteConfig } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import { isEntryId } from "../../shared/entry.ts";
import { issuesOf, textUpTo } from "./expected.ts";
import { Problem, PROBLEM_TYPE, problemSchema } from "./problem.ts";

/** Routes that check requests against their schemas; an invalid request is a problem with an issue for each error in it. */
export function newRoutes(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook(result, c) {
      if (result.success) return;
      const issues = issuesOf(result.error);
      const part = result.target === "json" ? "body" : result.target;
      const detail = `the ${part} of ${c.req.method} ${c.req.routePath} is not valid`;
      throw new Problem({ status: 422, code: "invalid_request", detail, issues });
    },
  });
}

export interface AppEnv {
  Variables: RequestIdVariables & {
    /** To be called when the body turns out to hold the right secret; undefined when path or headers had it. */
    authenticated?: () => void;
  };
}

/** What the router's own server gives with each request; other platforms give other things, or nothing. */
export interface PlatformBindings {
  readonly authenticated?: () => void;
  readonly incoming?: { readonly socket?: { readonly destroyed?: boolean } };
}

/** Name of the security scheme in the OpenAPI document. */
export const BEARER = [{ bearer: [] }];

/** Named, since it would stand in the OpenAPI document for each status of each route. */
const namedProblem = z.object(problemSchema.shape).openapi("Problem");

/** The problems that a route can answer with, for its `responses`. */
export function problems<Status extends number>(...statuses: readonly Status[]) {
  const content = { [PROBLEM_TYPE]: { schema: namedProblem } };
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

const ENTRY_ID = "expected an entry id such as 1700000000000-0";
export const entryIdSchema = z
  .string(ENTRY_ID)
  .refine(isEntryId, ENTRY_ID)
  .openapi({ example: "1700000000000-0" });

/** Name of the requester, for the record. */
export const byName = textUpTo(200, { what: "a name", example: "ann" });

/** Why the requester asks for it, for the record. */
export const reasonText = textUpTo(1_000, { what: "a reason", example: "the broker was down" });
