import type { Claim } from "./claim.ts";
import type { Entry, Fields } from "./entry.ts";
import type { StrategyStream, StreamName } from "./keys.ts";

/**
 * The contract between functions and their invokers. A function turns a batch of entries into results, one per entry. It
 * writes nothing to Redis and acknowledges nothing: its results contain effects, and the invoker's commit performs them once.
 */

/**
 * Entries to add to a stream: one with `fields`, or, when `each` is given, one for each element of it, with the element's
 * fields before `fields`. `common` are fields before `fields`, too. An `each` or a `common` that many appends share as the
 * same object is sent to Redis once.
 */
export interface Append {
  readonly stream: StreamName | StrategyStream;
  readonly fields: Fields;
  readonly each?: readonly Fields[];
  readonly common?: Fields;
}

/** The fields that all entries of an append have in common. */
export function sharedFields({ common, fields }: Append): Fields {
  return common === undefined ? fields : { ...common, ...fields };
}

/**
 * What happens on one branch of a commit: entries to append, counters (fields of `metrics`) to raise by one, and counters to
 * raise by an amount.
 */
export interface Branch {
  readonly append: readonly Append[];
  readonly count: readonly string[];
  readonly sum?: Readonly<Record<string, number>>;
}

/** What a function wants to happen for one entry. Data, not an action. */
export interface Effects extends Branch {
  /**
   * The effects happen only if the entry wins the claim of this uid. If another entry holds the uid, `ifLost` happens instead,
   * with that entry's id in place of the first {@link HOLDER} in each field. `also` is a second uid that is claimed with it:
   * either one held by another entry loses both.
   */
  readonly claim?: Claim & { readonly ifLost: Branch };
}

/** Placeholder for the id of the entry that holds a uid, in the fields of `ifLost`. */
export const HOLDER = "{{holder}}";

/** Effects of an entry that only needs to be acknowledged. */
export const NO_EFFECTS: Effects = { append: [], count: [] };

/** The result for one entry. */
export type Result =
  | { readonly id: string; readonly status: "done"; readonly effects: Effects }
  /** Transient: the entry stays pending and is delivered again. An ERROR event reports it, unless it is `expected`. */
  | {
      readonly id: string;
      readonly status: "retry";
      readonly error: string;
      readonly expected?: boolean;
      /** It waits for something else: this delivery is none of its DELIVERIES_MAX. */
      readonly uncounted?: true;
    }
  /** Will never work: the entry becomes a dead letter. An event of this level (default WARNING) reports it. */
  | {
      readonly id: string;
      readonly status: "dead";
      readonly reason: string;
      readonly error: string;
      readonly level?: "WARNING" | "ERROR";
      /** Times the entry was delivered, when the function knows better than its invoker. */
      readonly deliveries?: number;
      /** Other effects, in the same step. */
      readonly also?: Branch;
    };

/** Something the function needs is unavailable. Nothing is wrong with the entries, and no attempt is counted. */
export interface Unavailable {
  readonly status: "unavailable";
  readonly what: "postgres" | "snapshot" | "redis" | "dispatching" | "confirmation by replicas";
  readonly error: string;
}

/** A synchronous function of its arguments: same entries and context, same results. */
export type PureFunction<Context> = (entries: readonly Entry[], context: Context) => readonly Result[];

/** A function that does outside work through the ports in its context and yields results as they finish, in groups. */
export type EffectfulFunction<Context> = (
  entries: readonly Entry[],
  context: Context,
) => AsyncIterable<readonly Result[] | Unavailable>;

/**
 * Returns the results after checking that there is exactly one for each entry.
 * @throws Error that names an entry with two results, without one, or not in the batch
 */
export function assertAnswersEach(entries: readonly Entry[], results: readonly Result[]): readonly Result[] {
  const open = new Set<string>();
  for (const entry of entries) open.add(entry.id);
  for (const result of results) {
    if (!open.delete(result.id)) {
      throw new Error(`the function returned two results for entry ${result.id}, or one it was not given`);
    }
  }
  if (open.size > 0) {
    throw new Error(
      `the function returned no result for ${open.size} of ${entries.length} entries, the first is ${[...open][0]}`,
    );
  }
  return results;
}
