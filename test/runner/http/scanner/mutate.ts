import * as fc from "fast-check";
import { oddText, oddValue } from "./values.ts";

type Change =
  | { readonly how: "replace"; readonly by: unknown }
  | { readonly how: "remove" }
  | { readonly how: "add"; readonly name: string; readonly by: unknown };

const change: fc.Arbitrary<Change> = fc.oneof(
  oddValue.map((by) => ({ how: "replace" as const, by })),
  fc.constant({ how: "remove" as const }),
  fc.tuple(oddText, oddValue).map(([name, by]) => ({ how: "add" as const, name, by })),
);

/** Values that would be right but for one place. */
export function almost(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.nat(), change)
    .map(([value, place, what]) => changed(value, place % countOf(value), what));
}

/** The places of a value: itself and, depth first, everything in it. */
function countOf(value: unknown): number {
  return childrenOf(value).reduce((sum, [, child]) => sum + countOf(child), 1);
}

function changed(value: unknown, place: number, what: Change): unknown {
  if (place === 0) {
    if (what.how === "replace") return what.by;
    if (what.how === "add" && isObject(value)) return withMember(value, what.name, what.by);
    return what.how === "remove" ? undefined : [value];
  }
  let before = 1;
  for (const [name, child] of childrenOf(value)) {
    const count = countOf(child);
    if (place < before + count) {
      const inner = changed(child, place - before, what);
      if (Array.isArray(value)) return value.with(Number(name), inner);
      return isObject(value) ? withMember(value, name, inner) : value;
    }
    before += count;
  }
  return value;
}

/** Also for the name `__proto__`, which an assignment would swallow. */
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
