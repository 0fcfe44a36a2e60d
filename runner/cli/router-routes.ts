import type * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import { problemSchema, type ProblemBody } from "../http/problem.ts";
import { CliError } from "./connection.ts";

/**
 * The routes of the router, as commands ask them: there is no second way to read or do what a route does. They are those of the
 * router that runs in this folder, or run in this process.
 */
export interface RouterRoutes {
  /** The JSON answer of a route. @throws CliError with what its problem says; the exit code is 1 */
  ask<Answer>(question: Question<Answer>): Promise<Answer>;
  /** The lines of an NDJSON answer, as they come, until it ends or `signal` aborts. @throws CliError like `ask` */
  lines(question: LinesQuestion): AsyncIterable<unknown>;
  /** The response itself, for routes with headers or statuses of their own. */
  fetch(question: Omit<Question<never>, "answer">): Promise<Response>;
}

export interface Question<Answer> {
  /** Default: GET. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With names percent-encoded: `/strategies/12`. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON; a text is sent as it is, with the content type of `headers`. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The schema of the route's answer. */
  readonly answer: z.ZodType<Answer>;
}

export interface LinesQuestion extends Omit<Question<never>, "answer"> {
  /** Called before the first line. */
  readonly onHeaders?: (headers: Headers) => void;
  /** Ends the answer when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** The routes behind a `fetch` function. */
export function routesOver(fetch: (request: Request) => Promise<Response>): RouterRoutes {
  async function answered(question: Omit<Question<never>, "answer">): Promise<Response> {
    const response = await fetch(requestFor(question));
    if (!response.ok) throw await problemError(response);
    return response;
  }
  return {
    fetch: async (question) => fetch(requestFor(question)),
    async ask({ answer, ...question }) {
      const response = await answered(question);
      const parsed = answer.safeParse(response.status === 204 ? undefined : await response.json());
      if (parsed.success) return parsed.data;
      throw new CliError(
        `the answer of ${question.path} is not as expected: is the running router of another version? Restart it`,
      );
    },
    async *lines({ onHeaders, signal, ...question }) {
      const response = await answered(question);
      onHeaders?.(response.headers);
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      // Also ends the read that waits for a line.
      const stop = (): void => void reader?.cancel().catch(() => undefined);
      const next = async () => reader?.read().catch(throwBrokenOff);
      signal?.addEventListener("abort", stop, { once: true });
      let rest = "";
      try {
        for (let read = await next(); read?.done === false; read = await next()) {
          const lines = `${rest}${read.value}`.split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) if (line !== "") yield JSON.parse(line);
        }
        if (rest !== "" && signal?.aborted !== true) yield JSON.parse(rest);
      } finally {
        signal?.removeEventListener("abort", stop);
        stop();
      }
    },
  };
}

/** How much of what was asked has been done is not known. */
function throwBrokenOff(error: unknown): never {
  throw new CliError(
    `the router ended in the middle of its answer (${messageOf(error)}): what stands above is all that arrived of it`,
    { cause: error },
  );
}

function requestFor({
  method = "GET",
  path,
  query = {},
  body,
  headers = {},
}: Omit<Question<never>, "answer">) {
  const url = new URL(path, "http://router");
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  if (body === undefined) return new Request(url, { method, headers });
  const isText = typeof body === "string";
  const type = isText ? {} : { "content-type": "application/json" };
  return new Request(url, {
    method,
    headers: { ...type, ...headers },
    body: isText ? body : JSON.stringify(body),
  });
}

/** What the problem of a response says, for people. */
export async function problemError(response: Response): Promise<CliError> {
  return errorOf(await problemIn(response));
}

/** What a problem says, for people. */
export function errorOf({ detail, hint, issues = [] }: ProblemBody): CliError {
  const faults = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  return new CliError([detail, ...faults, ...(hint === undefined ? [] : [hint])].join("\n"));
}

/** The problem that a response is, for commands that act on its code. @throws CliError when it is none */
export async function problemIn(response: Response): Promise<ProblemBody> {
  const text = await response.text();
  const problem = problemSchema.safeParse(jsonOf(text));
  if (problem.success) return problem.data;
  throw new CliError(`the router answered with status ${response.status}: ${text.slice(0, 200)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return messageOf(error);
  }
}
