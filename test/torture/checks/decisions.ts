import { entryTime, type Entry } from "../../../shared/entry.ts";
import type { Evidence, Violation } from "../evidence.ts";
import { decidedText, possibleDecisions, type Decided } from "../expected.ts";
import type { Facts, LogRow, OutcomeLogRow } from "../facts.ts";
import { revisionsAt } from "../timeline.ts";

/** Decisions and commits have different clocks; a sample of Redis' clock may be off by this much on a busy machine. */
const CLOCK_ERROR_MS_MAX = 500;
/** So long the run may have watched a server that was no longer the master, whose publications were taken back. */
const FAIL_OVER_MS_MAX = 10_000;

/** The decision is the one that the rules give on the reference and the pauses in force when it was committed. */
export function decisionViolations(entry: Entry, { result, row, facts, evidence }: Decision): Violation[] {
  const { id: entryId } = entry;
  const committedAt = entryTime(result.id);
  const decidedAt = row.decided_at.getTime();
  const found: Violation[] = [];
  const number = evidence.revisionOf.get(row.snapshot) ?? -1;
  const revision = facts.revisions[number];
  if (revision === undefined)
    return [{ entryId, text: `decided on ${row.snapshot}, which this run has not written` }];

  const withinMs = facts.setting === "plain" ? 0 : FAIL_OVER_MS_MAX;
  const { first, last } = revisionsAt(facts.observations, evidence.revisionOf, { at: committedAt, withinMs });
  if (number < first || number > last) {
    const text = `committed on reference revision ${number} while ${first} to ${last} were current`;
    found.push({ entryId, text });
  }
  if (decidedAt > committedAt + CLOCK_ERROR_MS_MAX || decidedAt < entryTime(entryId) - CLOCK_ERROR_MS_MAX) {
    const text = `decided at ${decidedAt}, which is not between its entry id and its commit at ${committedAt}`;
    found.push({ entryId, text });
  }

  const actual: Decided = { ...row, outcomes: outcomeTexts(evidence.outcomes.get(entryId) ?? []) };
  const possible = possibleDecisions({ ...facts, entry, row, revision, committedAt });
  const right = possible.flatMap((answer) =>
    answer.repeated === undefined ? [answer.first] : [answer.first, answer.repeated],
  );
  if (!right.some((answer) => decidedText(answer) === decidedText(actual))) {
    const expected = right.map(decidedText).join(" or ");
    found.push({ entryId, text: `logged ${decidedText(actual)}; expected ${expected}` });
  }
  return found;
}

interface Decision {
  readonly result: Entry;
  readonly row: LogRow;
  readonly facts: Facts;
  readonly evidence: Evidence;
}

function outcomeTexts(outcomes: readonly OutcomeLogRow[]): string[] {
  return outcomes
    .filter(({ stage }) => stage === "routing")
    .toSorted((a, b) => a.strategy_id - b.strategy_id)
    .map(({ strategy_id, status, reason }) => {
      const fits =
        (status === "dispatched") === (reason === null) && (status === "shadow") === (reason === "shadow");
      return `${strategy_id}:${fits ? (reason ?? status) : `${status} because ${reason}`}`;
    });
}
