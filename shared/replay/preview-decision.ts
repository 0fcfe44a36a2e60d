import { decide, reject, type UnknownDetails } from "../decide/decide.ts";
import type { Decision } from "../decide/decision.ts";
import { duplicateOutcomes } from "../decide/duplicate.ts";
import { symbolDetail } from "../decide/unknown-ticker.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import type { ParsedSignal } from "../signal/signal.ts";
import type { Circumstances } from "./replay-decision.ts";
import type { ComparedDecision } from "./replay-difference.ts";

/** The decision on a signal, under the symbol of its ticker, by a reference, before its duplicates are looked at. */
export function previewDecision(
  parsed: ParsedSignal,
  snapshot: Snapshot,
  { forcedAt, ...circumstances }: Circumstances,
): Decision {
  if (parsed.status === "rejected") return reject(parsed.faults);
  const { signal } = parsed;
  const context = { ...circumstances, snapshot, ...(forcedAt === undefined ? {} : { anyAge: true }) };
  return decide(signal, context, NO_DETAILS);
}

/** Which phrase or symbol comes closest takes long to find, and is no part of the comparison. */
const NO_DETAILS: UnknownDetails = { phrase: () => ({}), ticker: symbolDetail };

/** The same decision when another entry has dispatched the uid. */
export function asDuplicate({ outcomes }: Decision): ComparedDecision {
  return { status: "duplicate", reason: "duplicate_uid", outcomes: duplicateOutcomes(outcomes) };
}
