import { STATUS_CODES } from "node:http";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";

/** The one form in which every route says what went wrong: problem details, RFC 9457. */
export const problemSchema = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  /** Stable, for programs. */
  code: z.string(),
  /** What was wrong, and what was expected. */
  detail: z.string(),
  /** What to do about it. */
  hint: z.string().optional(),
  /** One for each thing wrong with the request. */
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  request_id: z.string(),
});
export type ProblemBody = z.infer<typeof problemSchema>;

export interface ProblemOptions extends Pick<ProblemBody, "code" | "detail" | "hint" | "issues"> {
  readonly status: ContentfulStatusCode;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by routes; the app answers it as it is. Holds nothing that must not be shown. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(options.detail);
    this.options = options;
  }
}

/** The answer for a problem. */
export function problemResponse(c: Context, { status, headers, ...said }: ProblemOptions): Response {
  const title = STATUS_CODES[status] ?? "Error";
  const body: ProblemBody = {
    type: "about:blank",
    title,
    status,
    ...said,
    request_id: requestIdOf(c),
  };
  return c.json(body, status, { ...headers, "content-type": "application/problem+json" });
}

/** The problem that stands for whatever was thrown; undefined for what nobody expected, of which nothing is shown. */
export function problemOf(
  error: unknown,
  { redisReady }: { readonly redisReady: boolean },
): ProblemOptions | undefined {
  if (error instanceof Problem) return error.options;
  if (error instanceof HTTPException && error.status < 500) {
    return {
      status: error.status,
      code: codeOf(error.status),
      detail: error.message,
    };
  }
  if (error instanceof DatabaseError && error.kind === "unavailable") {
    const detail = "Postgres cannot be reached or did not answer in time";
    return {
      status: 503,
      code: "postgres_unavailable",
      detail,
      hint: "signals are decided without it; ask again when it is back",
    };
  }
  if (isClientGone(error)) {
    return {
      status: 400,
      code: "body_incomplete",
      detail: "the connection ended before the whole body had arrived",
    };
  }
  if (error instanceof UnavailableError)
    return { status: 503, code: "unavailable", detail: messageOf(error), hint: "ask again later" };
  if (!redisReady) {
    return {
      status: 503,
      code: "redis_unavailable",
      detail: "Redis does not answer",
      hint: "ask again later",
    };
  }
  return undefined;
}

/** What Node fails the reading of a body with when the client has gone away in the middle of it. */
function isClientGone(error: unknown): boolean {
  return (
    error instanceof Error && error.message === "aborted" && "code" in error && error.code === "ECONNRESET"
  );
}

/** `Not Found` → `not_found` */
function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? "error").toLowerCase().replaceAll(/[^a-z]+/g, "_");
}

function requestIdOf(c: Context): string {
  const id: unknown = c.get("requestId");
  return typeof id === "string" ? id : "";
}
