import type { Entry, Fields } from "./entry.ts";
import type { StrategyStream, StreamName } from "./keys.ts";

/**
 * The contract between functions and their invokers. A function turns a batch of entries into results, one
 * per entry; it writes nothing to Redis and acknowledges nothing. What it wants to happen is in the
 * effects of its results, and the invoker's commit makes it so, once.
 */

/**
 * Entries to add to a stream: one with `fields`, or – when `each` is given – one per element of it, made
 * of the element's fields followed by the shared `fields`. What many appends have in common is sent to Redis once: a list of
 * elements that is the very same array, and `common`, fields before the others, that are the very same object.
 */
export interface Append {
  readonly stream: StreamName | StrategyStream;
  readonly fields: Fields;
  readonly each?: readonly Fields[];
  readonly common?: Fields;
}

/** The fields that all entries of an append have. */
export function sharedFields({ common, fields }: Append): Fields {
  return common === undefined ? fields : { ...common, ...fields };
}

/**
 * What happens on one branch of a commit: entries appended, counters (fields of `metrics`) raised by one, and by the amounts
 * of `sum`.
 */
export interface Branch {
  readonly append: readonly Append[];
  readonly count: readonly string[];
  readonly sum?: Readonly<Record<string, number>>;
}

/** What a function wants to happen for one entry. Data, not an action. */
export interface Effects extends Branch {
  /**
   * The effects happen only if this uid is claimed by this entry. If another entry holds it, `ifLost`
   * happens instead, with the holder's entry id in place of the first {@link HOLDER} in each field.
   */
  readonly claim?: { readonly uid: string; readonly ifLost: Branch };
}

/** Stands for the entry id of a uid's holder in the fields of a lost claim's appends. */
export const HOLDER = "{{holder}}";

/** Effects of an entry that only needs to be acknowledged. */
export const NO_EFFECTS: Effects = { append: [], count: [] };

/** What became of one entry. */
export type Result =
  | { readonly id: string; readonly status: "done"; readonly effects: Effects }
  /** Transient: the entry stays pending and is delivered again; an ERROR event says so, unless it is nobody's fault. */
  | { readonly id: string; readonly status: "retry"; readonly error: string; readonly expected?: boolean }
  /** Will never work: the entry becomes a dead letter, and an event of this level (default WARNING) says so. */
  | {
      readonly id: string;
      readonly status: "dead";
      readonly reason: string;
      readonly error: string;
      readonly level?: "WARNING" | "ERROR";
      /** Times it was delivered, where the function knows better than its invoker. */
      readonly deliveries?: number;
      /** What else happens in the same step. */
      readonly also?: Branch;
    };

/** Something the function needs is away; nothing is wrong with the entries, and no attempt is counted. */
export interface Unavailable {
  readonly status: "unavailable";
  readonly what: "postgres" | "snapshot" | "redis" | "dispatching";
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
 * The results as they are, once it is certain that they answer each entry exactly once.
 * @throws Error naming the entries answered twice, not at all, or never asked about.
 */
export function assertAnswersEach(entries: readonly Entry[], results: readonly Result[]): readonly Result[] {
  const open = new Set<string>();
  for (const entry of entries) open.add(entry.id);
  for (const result of results) {
    if (!open.delete(result.id)) {
      throw new Error(`function answered entry ${result.id} twice or without having been given it`);
    }
  }
  if (open.size > 0) {
    throw new Error(
      `function left ${open.size} of ${entries.length} entries unanswered, first ${[...open][0]}`,
    );
  }
  return results;
}
