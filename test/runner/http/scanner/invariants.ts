import * as z from "zod";
import { problemSchema } from "../../../../runner/http/problem.ts";
import type { Answer } from "./answer.ts";
import type { Description, Operation, Schema } from "./description.ts";
import type { Shot } from "./shot.ts";
import type { Outcome } from "./wire.ts";

export interface Rules {
  readonly description: Description;
  /** What no answer may contain. */
  readonly secrets: readonly string[];
  /** Whether anybody may ask for this path. */
  readonly isPublic: (path: string) => boolean;
  /** Whether this answer of 500 or more says something true. */
  readonly isHonest: (shot: Shot, answer: Answer) => boolean;
}

/** What is wrong with what became of a shot: promises that hold for every route, and for whatever is sent. */
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

/** Where the client itself goes away, or is still sending when a server has seen enough. */
function mayCloseWithoutAnswer({ wellFormed, sending, body, garbage }: Shot): boolean {
  return !wellFormed || garbage !== undefined || (body !== undefined && sending !== "whole");
}

function statusFaults(shot: Shot, answer: Answer, { isPublic, isHonest }: Rules): string[] {
  const { status } = answer;
  if (status >= 500 && !isHonest(shot, answer)) return [`status ${status}`];
  if (!answer.headers.has("x-request-id")) {
    return mayBeUnreadable(shot, status) ? [] : [`status ${status}, not from the app`];
  }
  if (shot.credentials === "token" || [401, 429].includes(status)) return [];
  return pathsOf(shot.target).some(isPublic) ? [] : [`status ${status} without the token`];
}

/** Whether the server may refuse it before the app sees it. */
function mayBeUnreadable({ wellFormed, sending }: Shot, status: number): boolean {
  return !wellFormed || status === 408 || (sending === "truncated" && status === 400);
}

/** The path as it stands there, and as a URL parser reads it. */
function pathsOf(target: string): string[] {
  const [path = ""] = target.split("?");
  const read = URL.canParse(target, "http://x") ? [new URL(target, "http://x").pathname] : [];
  return [path, ...read].map((each) => {
    try {
      return decodeURIComponent(each);
    } catch {
      return each;
    }
  });
}

function contentFaults(shot: Shot, { status, headers, body }: Answer, rules: Rules): string[] {
  if (body.length === 0 && (shot.method === "HEAD" || status === 304)) return [];
  // A missing Host, an expectation nobody can meet: Node answers by itself.
  if (body.length === 0 && !shot.wellFormed && (status === 400 || status === 417)) return [];
  const type = headers.get("content-type") ?? "";
  const promised = shot.operation === undefined ? undefined : schemaOf(shot.operation, status, rules);
  if (type === "application/problem+json") return problemFaults(status, headers, body);
  if (status >= 300 && promised === undefined) return [`status ${status} without problem details (${type})`];
  if (shot.operation !== undefined && !shot.operation.answerSchemas.has(status)) {
    return [`status ${status} is not in the description`];
  }
  return promised === undefined ? [] : jsonFaults(body, type, promised);
}

function problemFaults(status: number, headers: Answer["headers"], body: Buffer): string[] {
  const parsed = problemSchema.loose().safeParse(jsonIn(body));
  if (!parsed.success) return [`not our problem details: ${z.prettifyError(parsed.error)}`];
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

/** The described JSON answer of an operation with this status. */
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
