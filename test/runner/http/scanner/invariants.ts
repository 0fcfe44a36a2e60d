import * as z from "zod";
import { problemSchema } from "../../../../runner/http/problem.ts";
import type { Answer } from "./answer.ts";
import type { Description, Operation, Schema } from "./description.ts";
import type { Shot } from "./shot.ts";
import type { Outcome } from "./wire.ts";

/** What is wrong with the result of a shot, by rules that hold for every route and every request. */
export function faultsOf(shot: Shot, outcome: Outcome, rules: Rules): string[] {
  switch (outcome.kind) {
    case "hung":
      return ["the request never ended"];
    case "garbled":
      return [`not an HTTP answer: ${outcome.why}`];
    case "closed":
      return mayCloseWithoutAnswer(shot) ? [] : ["the connection was closed without an answer"];
    case "answered":
      return [
        ...statusFaults(shot, outcome.answer, rules),
        ...contentFaults(shot, outcome.answer, rules),
        ...rules.secrets
          .filter((secret) => outcome.bytes.includes(secret))
          .map((secret) => `the answer contains ${secret}`),
      ];
  }
}

export interface Rules {
  readonly description: Description;
  /** Texts that no answer may contain. */
  readonly secrets: readonly string[];
  /** Whether this path needs no token. */
  readonly isPublic: (path: string) => boolean;
  /** Whether this answer with a status of 500 or more is right. */
  readonly isExpected: (shot: Shot, answer: Answer) => boolean;
}

/** Whether the client itself disconnects, or may still be sending when the server has answered. */
function mayCloseWithoutAnswer({ wellFormed, sending, body, garbage }: Shot): boolean {
  return !wellFormed || garbage !== undefined || (body !== undefined && sending !== "whole");
}

function statusFaults(shot: Shot, answer: Answer, { isPublic, isExpected }: Rules): string[] {
  const { status } = answer;
  if (status >= 500 && !isExpected(shot, answer)) return [`status ${status}`];
  if (!answer.headers.has("x-request-id")) {
    return mayBeMalformed(shot, status) ? [] : [`status ${status}, not from the app`];
  }
  if (shot.credentials === "token" || [401, 429].includes(status)) return [];
  return pathsOf(shot.target).some(isPublic) ? [] : [`status ${status} without the token`];
}

/** Whether the server may refuse it before it reaches the app. */
function mayBeMalformed({ wellFormed, sending }: Shot, status: number): boolean {
  return !wellFormed || status === 408 || (sending === "truncated" && status === 400);
}

/** The path as it was sent, and as a URL parser reads it. */
function pathsOf(target: string): string[] {
  const [path = ""] = target.split("?");
  const parsed = URL.canParse(target, "http://x") ? [new URL(target, "http://x").pathname] : [];
  return [path, ...parsed].map((each) => {
    try {
      return decodeURIComponent(each);
    } catch {
      return each;
    }
  });
}

function contentFaults(shot: Shot, { status, headers, body }: Answer, rules: Rules): string[] {
  if (body.length === 0 && (shot.method === "HEAD" || status === 304)) return [];
  // For a missing Host or an unknown expectation Node answers by itself.
  if (body.length === 0 && !shot.wellFormed && (status === 400 || status === 417)) return [];
  const type = headers.get("content-type") ?? "";
  const described = shot.operation === undefined ? undefined : schemaOf(shot.operation, status, rules);
  if (type === "application/problem+json") return problemFaults(status, headers, body);
  if (status >= 300 && described === undefined) return [`status ${status} without problem details (${type})`];
  if (shot.operation !== undefined && !shot.operation.answerSchemas.has(status)) {
    return [`status ${status} is not in the description`];
  }
  return described === undefined ? [] : jsonFaults(body, type, described);
}

function problemFaults(status: number, headers: Answer["headers"], body: Buffer): string[] {
  const parsed = problemSchema.loose().safeParse(jsonIn(body));
  if (!parsed.success) return [`not valid problem details: ${z.prettifyError(parsed.error)}`];
  const { data } = parsed;
  const id = headers.get("x-request-id") ?? data.request_id;
  if (data.status !== status || data.request_id !== id || id === "") {
    return [`status or request id differ from the problem's: ${JSON.stringify(data)}`];
  }
  return [];
}

function jsonFaults(body: Buffer, type: string, schema: z.ZodType): string[] {
  if (!/^application\/json\b/.test(type)) return type.startsWith("application/") ? [] : [`JSON as ${type}`];
  const parsed = schema.safeParse(jsonIn(body));
  return parsed.success ? [] : [`not as described: ${z.prettifyError(parsed.error)}`];
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

const schemas = new WeakMap<Schema, z.ZodType>();

/** Schema of the JSON answer that is described for this status. */
function schemaOf(operation: Operation, status: number, { description }: Rules): z.ZodType | undefined {
  const schema = operation.answerSchemas.get(status);
  if (schema === undefined) return undefined;
  const made = schemas.get(schema) ?? compile(schema, description.definitions);
  schemas.set(schema, made);
  return made;
}

function compile(schema: Schema, definitions: Description["definitions"]): z.ZodType {
  const whole = JSON.stringify({ ...schema, $defs: definitions });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll('"#/components/schemas/', '"#/$defs/')));
}
