import type { Entry } from "../../shared/entry.ts";
import type { Facts, LogRow, OutcomeLogRow } from "./facts.ts";

/** The facts by entry id, and the number of each version of the reference. */
export interface Evidence {
  readonly revisionOf: ReadonlyMap<string, number>;
  readonly results: ReadonlyMap<string, readonly Entry[]>;
  readonly tasks: ReadonlyMap<string, readonly Entry[]>;
  readonly rows: ReadonlyMap<string, readonly LogRow[]>;
  readonly outcomes: ReadonlyMap<string, readonly OutcomeLogRow[]>;
  readonly deadLetters: ReadonlyMap<string, readonly Entry[]>;
}

export function evidenceOf({ revisions, results, tasks, rows, outcomes, deadLetters }: Facts): Evidence {
  return {
    revisionOf: new Map(revisions.map(({ version }, i) => [version, i])),
    results: grouped(results, ({ fields }) => fields["entry_id"]),
    tasks: grouped(tasks, ({ fields }) => fields["entry_id"]),
    rows: grouped(rows, (row) => row.entry_id),
    outcomes: grouped(outcomes, (row) => row.entry_id),
    deadLetters: grouped(deadLetters, ({ fields }) => fields["entry_id"]),
  };
}

/** Something that must not be so. */
export interface Violation {
  readonly text: string;
  /** The entry it concerns, if any. */
  readonly entryId?: string;
}

/** Items by their key; those without one have the key "". */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item) ?? "";
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
