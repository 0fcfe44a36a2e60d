import { createHash } from "node:crypto";
import { canonicalJson } from "./reference-text.ts";
import type { Strategy } from "./reference.ts";
import type { SubscribedStrategy } from "./snapshot.ts";

/** 8 hex digits of a hash of a strategy's row with its symbols: same row, same version. */
export function rowVersion(strategy: Strategy | SubscribedStrategy): string {
  const known = versions.get(strategy);
  if (known !== undefined) return known;
  const symbols = strategy.symbols === null ? null : [...strategy.symbols];
  const version = createHash("sha256")
    .update(canonicalJson({ ...strategy, symbols }))
    .digest("hex")
    .slice(0, 8);
  versions.set(strategy, version);
  return version;
}

/** Snapshots do not change, so each row is hashed once. */
const versions = new WeakMap<object, string>();
