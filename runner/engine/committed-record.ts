import { holderOfClaim, uidsOf, type Claim } from "../../shared/claim.ts";
import { decisionRecordIn, duplicateRecord, outcomeRecordIn } from "../../shared/published-record.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import type { ProcessedEntry } from "./process-batch.ts";

/**
 * The decision that was recorded for a processed entry of `signals_stream`; undefined when there is none, or another function
 * processed it. Only Redis knows whose duplicate a `duplicate` is: `duplicate_of` is null unless its uid is in `holders`.
 */
export function committedDecision(
  processed: ProcessedEntry,
  holders: ReadonlyMap<string, string> = new Map(),
): SignalRecord | undefined {
  if (processed.status === "left" || processed.result.status !== "done") return undefined;
  switch (processed.outcome) {
    case "applied":
      return decisionRecordIn(processed.result.effects);
    case "duplicate":
      return duplicateRecord(processed.result.effects, holderIn(processed, holders));
    case "held":
    case "fenced":
      return undefined;
  }
}

/** The uids an entry tried to claim while another one holds one of them; none when it is no duplicate. */
export function duplicateUids(processed: ProcessedEntry): readonly string[] {
  const claim = lostClaim(processed);
  return claim === undefined ? [] : uidsOf(claim);
}

function holderIn(processed: ProcessedEntry, holders: ReadonlyMap<string, string>): string | undefined {
  const claim = lostClaim(processed);
  return claim && holderOfClaim(claim, processed.id, (uid) => holders.get(uid));
}

function lostClaim(processed: ProcessedEntry): Claim | undefined {
  if (processed.status === "left" || processed.outcome !== "duplicate") return undefined;
  return processed.result.status === "done" ? processed.result.effects.claim : undefined;
}

/** The outcome that was recorded for a processed task; undefined when there is none, or another function processed it. */
export function committedOutcome(processed: ProcessedEntry): OutcomeRecord | undefined {
  if (processed.status === "left" || processed.outcome !== "applied") return undefined;
  const { result } = processed;
  const branch =
    result.status === "done" ? result.effects : result.status === "dead" ? result.also : undefined;
  return branch === undefined ? undefined : outcomeRecordIn(branch);
}
