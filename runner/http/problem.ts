import { STATUS_CODES } from "node:http";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Logger } from "pino";
import * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { TooFewReplicasError } from "../../shared/io/redis/confirm.ts";
import { redisRefusalIn, type RedisRefusal } from "../../shared/redis-refusal.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { ShadowRefused } from "../engine/shadow-refused.ts";
import { InvocationRefused } from "../on-demand/claim-invocation.ts";

/** The one form in which every route reports an error: problem details, RFC 9457. */
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
  /** One for each error in the request. */
  issues: z
    .array(
      z.object({
        path: z.string(),
        message: z.string(),
        /** Where a text was sent, from 1. */
        line: z.int().optional(),
        column: z.int().optional(),
      }),
    )
    .optional(),
  request_id: z.string(),
});
export type ProblemBody = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = "application/problem+json";

export interface ProblemOptions extends Pick<ProblemBody, "code" | "detail" | "hint" | "issues"> {
  readonly status: ContentfulStatusCode;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by routes and sent by the app as it is, so it must hold nothing secret. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(options.detail);
    this.options = options;
  }
}

/** The body that is sent for a problem. */
export function problemBody(problem: ProblemOptions, requestId: string): ProblemBody {
  const { headers: _, ...shown } = problem;
  const title = STATUS_CODES[problem.status] ?? "Error";
  return { type: "about:blank", title, ...shown, request_id: requestId };
}

/** The answer for a problem. */
export function problemResponse(c: Context, problem: ProblemOptions): Response {
  const headers = { ...problem.headers, "content-type": PROBLEM_TYPE };
  return c.json(problemBody(problem, requestIdOf(c)), problem.status, headers);
}

/** The problem that an error is reported as; undefined for an unexpected error. */
export function problemOf(
  error: unknown,
  { redisReady }: { readonly redisReady: boolean },
): ProblemOptions | undefined {
  if (error instanceof Problem) return error.options;
  if (error instanceof ShadowRefused || error instanceof InvocationRefused)
    return { status: 409, code: error.code, detail: error.message, hint: error.hint };
  if (error instanceof HTTPException && error.status < 500)
    return { status: error.status, code: codeOf(error.status), detail: error.message };
  if (error instanceof DatabaseError && error.kind === "unavailable") {
    const detail = "Postgres cannot be reached or did not answer in time";
    const hint = "signals are decided without it; try again when Postgres is available";
    return { status: 503, code: "postgres_unavailable", detail, hint };
  }
  if (isClientDisconnect(error)) return { status: 400, code: "body_incomplete", detail: BODY_CUT_SHORT };
  const refusal = redisRefusalIn(error);
  if (refusal !== undefined) return redisRefused(refusal);
  const hint = "try again later";
  if (error instanceof UnavailableError)
    return { status: 503, code: "unavailable", detail: messageOf(error), hint };
  if (error instanceof TooFewReplicasError)
    return { status: 503, code: "not_confirmed", detail: messageOf(error), hint: REPEAT };
  if (!redisReady) return { status: 503, code: "redis_unavailable", detail: "Redis does not answer", hint };
  return undefined;
}

const REPEAT = "repeat the call: doing it again changes nothing but that replicas have it";

/** What Redis said, and what ends it. */
function redisRefused({ meaning, said, advice: hint }: RedisRefusal): ProblemOptions {
  return { status: 503, code: "redis_unavailable", detail: `${meaning} (Redis said: ${said})`, hint };
}

/** Logs an unexpected error; the problem shows nothing of it. */
export function unexpectedProblem(c: Context, error: unknown, logger: Logger): ProblemOptions {
  logger.error({ err: error, request_id: requestIdOf(c) }, `request failed: ${messageOf(error)}`);
  return { ...INTERNAL_ERROR, hint: "the router's log has the details under this request_id" };
}

export const INTERNAL_ERROR = {
  status: 500,
  code: "internal_error",
  detail: "an unexpected error occurred in the router",
} as const satisfies ProblemOptions;

export const BODY_CUT_SHORT = "the connection closed before the whole body had arrived";

export function bodyTooLarge(bytesMax: number): ProblemOptions {
  const detail = `the body is larger than HTTP_BODY_BYTES_MAX, ${bytesMax} bytes`;
  return { status: 413, code: "body_too_large", detail };
}

/** What Node reports when the client disconnects in the middle of its body. */
function isClientDisconnect(error: unknown): boolean {
  return (
    error instanceof Error && error.message === "aborted" && "code" in error && error.code === "ECONNRESET"
  );
}

/** `Not Found` → `not_found` */
function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? "error").toLowerCase().replaceAll(/[^a-z]+/g, "_");
}

export function requestIdOf(c: Context): string {
  const id: unknown = c.get("requestId");
  return typeof id === "string" ? id : "";
}
