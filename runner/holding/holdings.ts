import type { GroupHolding } from "../../shared/commit.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { OrderedGroup } from "../../shared/keys.ts";

/**
 * This room decides which runner reads a group whose entries keep their order. A lease that is wrong may cost order or time, never a
 * signal and never a second task: that is the commit's affair.
 */

/** The groups that this process holds or waits for. */
export interface Holdings {
  /** Resolves as soon as this process holds the group; undefined when `stopping` aborts before. */
  hold(group: OrderedGroup, options: { readonly stopping: AbortSignal }): Promise<Holding | undefined>;
  /**
   * For a call on demand: takes the group when no router holds it, within `waitMsMax` (an expired lease takes two looks); else says who
   * holds it. @throws Error when Redis does not answer
   */
  tryHold(group: OrderedGroup, options: { readonly waitMsMax: number }): Promise<Holding | HeldBy>;
  /**
   * Whether this process reads a group that keeps no order (log_writer, notifier, outcome_collector): it holds signal_processor, or
   * no router does, or the holder does not run this function.
   */
  readsFor(functionName: FunctionName): boolean;
  /** Lists this router among those that run, until `close`. Holding a group does so, too; a call on demand does not. */
  join(): void;
  /** Called each time what {@link readsFor} answers may have changed. Gives a function that stops listening. */
  onChange(call: () => void): () => void;
  /** Releases all that is held, and ends the renewals and the heartbeat of this runner. */
  close(): Promise<void>;
}

/** One holding of one group, from the moment it was taken until it is released or lost. */
export interface Holding extends GroupHolding {
  readonly status: "held";
  /** Aborts when the lease has another holder, was given up, or the connection leads to another server than before. */
  readonly lost: AbortSignal;
  /** To be called when the loop has turned, or has said why it cannot: without that the lease is not renewed. */
  alive(): void;
  /** To be called with whether entries wait and nothing is under way: for 2 × LEASE_MS without `progressed`, the group is given up. */
  waiting(isWaiting: boolean): void;
  /** To be called when something was committed or begun. */
  progressed(): void;
  /** To be called when a script answers that another runner holds the group. */
  deposed(): void;
  /** Never rejects: a lease that cannot be released expires. */
  release(): Promise<void>;
}

/** Another runner holds the group. */
export interface HeldBy {
  readonly status: "held_by";
  readonly runner: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly since: number;
}
