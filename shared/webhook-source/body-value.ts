import type { BodyPath } from "../source-template.ts";

/** The value at a path of a parsed body: a member of its own, or a place of a list; undefined when there is none. */
export function valueAt(body: unknown, path: BodyPath): unknown {
  let value = body;
  for (const name of path) {
    if (Array.isArray(value)) {
      if (!/^\d{1,9}$/.test(name)) return undefined;
      value = value[Number(name)];
    } else if (isMembers(value)) {
      // A name such as `constructor` is no member unless the body has it.
      value = Object.hasOwn(value, name) ? value[name] : undefined;
    } else return undefined;
  }
  return value;
}

/** Whether a value is an object of a body: numbers, which keep their digits, are objects of another kind. */
export function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
