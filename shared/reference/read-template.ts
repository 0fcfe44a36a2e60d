import type * as z from "zod";
import { excerpt, storable } from "../text.ts";
import { isJsonObject, isStorable } from "./json-value.ts";
import { webhookSourceSchema, type WebhookSource } from "./webhook-source.ts";

/** The template in a row of `webhook_sources`; undefined when it cannot be used. */
export function readTemplate(value: unknown): WebhookSource["template"] | undefined {
  const parsed = schema.safeParse(value);
  return parsed.success && isStorable(value) && unnameable(value) === undefined ? parsed.data : undefined;
}

/** Where a template cannot be used and what stands there, without texts, which may be secret. */
export function templateFault(value: unknown): string {
  const { error } = schema.safeParse(value);
  const path = error === undefined ? unnameable(value) : pathOf(error.issues);
  if (path === undefined) return "a text that jsonb cannot hold";
  if (path.length === 0) return kindOf(value);
  const found = path.reduce<unknown>((at, name) => (isJsonObject(at) ? at[String(name)] : undefined), value);
  return `${kindOf(found)} at ${excerpt(storable(path.join(".")))}`;
}

const schema = webhookSourceSchema.shape.template;

/** Zod drops a member of this name. */
const DROPPED = "__proto__";

function unnameable(value: unknown): readonly string[] | undefined {
  if (!isJsonObject(value)) return undefined;
  if (Object.hasOwn(value, DROPPED)) return [DROPPED];
  for (const [name, part] of Object.entries(value)) {
    const below = unnameable(part);
    if (below !== undefined) return [name, ...below];
  }
  return undefined;
}

type Path = readonly PropertyKey[];

/** The path of the first fault. Of the forms that a member may have, the one that fits further counts. */
function pathOf(issues: readonly z.core.$ZodIssue[]): Path {
  const [issue] = issues;
  if (issue === undefined) return [];
  if (issue.code === "unrecognized_keys") return [...issue.path, ...issue.keys.slice(0, 1)];
  if (issue.code !== "invalid_union") return issue.path;
  const paths = issue.errors.map(pathOf);
  const longest = paths.reduce((one, other) => (other.length > one.length ? other : one), []);
  return [...issue.path, ...longest];
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
