import type { Snapshot, Subscription } from "../reference/snapshot.ts";
import type { Detail, FieldFault, Signal } from "../signal/signal.ts";
import { blockedBy, type Block } from "./blocked-by.ts";
import { closestPhrase, SPELLING_LENGTH_MAX } from "./closest-phrase.ts";
import type { Decision, DecisionContext, Verdict } from "./decision.ts";
import { unknownTickerDetail } from "./unknown-ticker.ts";
import { blockedVerdict, routedVerdict } from "./verdict.ts";

/**
 * The decision on a valid signal under the symbol of its ticker, a function of its arguments alone. `DecisionCache` makes the same
 * decisions faster.
 */
export function decide(
  signal: Signal,
  context: DecisionContext,
  unknown: UnknownDetails = UNKNOWN_DETAILS,
): Decision {
  const { snapshot } = context;
  const subscription = snapshot.subscriptions.get(signal.phrase);
  if (subscription === undefined) return unknownPhrase(unknown.phrase(signal.phrase, snapshot));
  const block = blockedBy(signal, subscription, context, unknown.ticker);
  const verdict =
    block === undefined
      ? routedVerdict(subscription, signal, context)
      : blockedVerdict(subscription.strategies, block.reason);
  return decisionFrom(verdict, subscription, block);
}

/** What is said of a phrase and of a ticker that the snapshot does not have. */
export interface UnknownDetails {
  readonly phrase: (phrase: string, snapshot: Snapshot) => Detail;
  readonly ticker: (signal: Signal, snapshot: Snapshot) => Detail;
}

const UNKNOWN_DETAILS: UnknownDetails = { phrase: unknownPhraseDetail, ticker: unknownTickerDetail };

/** The decision on an entry that is no valid signal. */
export function reject(faults: readonly FieldFault[]): Decision {
  const first = faults.find((fault) => fault.reason === "missing_field") ?? faults[0];
  return {
    status: "rejected",
    reason: first?.reason ?? "invalid_field",
    detail: { field: first?.field, faults },
    signalId: null,
    direction: null,
    side: null,
    outcomes: [],
  };
}

/** The verdict as the decision on one signal, whose detail says what blocked it. */
export function decisionFrom(
  { status, reason, detail, outcomes }: Verdict,
  { signal_id, direction, side }: Subscription,
  block: Block | undefined,
): Decision {
  return {
    status,
    reason,
    detail: block?.detail ?? detail,
    signalId: signal_id,
    direction,
    side: side ?? null,
    outcomes,
  };
}

/** The decision on a signal whose phrase the snapshot does not have. */
export function unknownPhrase(detail: Detail): Decision {
  return {
    status: "ignored",
    reason: "unknown_phrase",
    detail,
    signalId: null,
    direction: null,
    side: null,
    outcomes: [],
  };
}

/** The known phrase that an unknown one is probably a misspelling of, if there is one. */
export function unknownPhraseDetail(phrase: string, snapshot: Snapshot): Detail {
  const closest = phrase.length > SPELLING_LENGTH_MAX ? undefined : closestPhrase(phrase, snapshot);
  return closest === undefined ? {} : { closest_phrase: snapshot.subscriptions.get(closest)?.phrase };
}
