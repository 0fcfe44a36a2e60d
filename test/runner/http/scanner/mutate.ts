import * as fc from "fast-check";
import { oddText, oddValue } from "./values.ts";

/** Values that fit the schema except in one place. */
export function almost(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.nat(), changes)
    .map(([value, index, change]) => changed(value, index % countOf(value), change));
}

type Change =
  | { readonly how: "replace"; readonly by: unknown }
  | { readonly how: "remove" }
  | { readonly how: "add"; readonly name: string; readonly by: unknown };

const changes: fc.Arbitrary<Change> = fc.oneof(
  oddValue.map((by) => ({ how: "replace" as const, by })),
  fc.constant({ how: "remove" as const }),
  fc.tuple(oddText, oddValue).map(([name, by]) => ({ how: "add" as const, name, by })),
);

/** Number of places in a value: itself and, depth first, everything in it. */
function countOf(value: unknown): number {
  return childrenOf(value).reduce((sum, [, child]) => sum + countOf(child), 1);
}

function changed(value: unknown, index: number, change: Change): unknown {
  if (index === 0) {
    if (change.how === "replace") return change.by;
    if (change.how === "add" && isObject(value)) return withMember(value, change.name, change.by);
    return change.how === "remove" ? undefined : [value];
  }
  let before = 1;
  for (const [name, child] of childrenOf(value)) {
    const count = countOf(child);
    if (index < before + count) {
      const inner = changed(child, index - before, change);
      if (Array.isArray(value)) return value.with(Number(name), inner);
      return isObject(value) ? withMember(value, name, inner) : value;
    }
    before += count;
  }
  return value;
}

/** Works for the name `__proto__` too, which an assignment would ignore. */
function withMember(value: object, name: string, member: unknown): object {
  const descriptor = { value: member, enumerable: true, configurable: true, writable: true };
  return Object.defineProperty({ ...value }, name, descriptor);
}

function childrenOf(value: unknown): [string, unknown][] {
  return isObject(value) || Array.isArray(value) ? Object.entries(value) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
