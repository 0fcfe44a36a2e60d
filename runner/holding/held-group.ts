import { randomUUID } from "node:crypto";
import type { GroupHolding } from "../../shared/commit.ts";
import type { OrderedGroup } from "../../shared/keys.ts";
import type { Holding } from "./holdings.ts";

/** One holding as its owner sees it: whether its loop turns and gets on, and why it ends. */
export interface HeldGroup extends GroupHolding {
  readonly holding: Holding;
  /** Redis' clock when it was taken. */
  readonly since: number;
  /** Whether the lease may be renewed: the loop has shown that it turns. */
  isAlive(): boolean;
  /** Whether entries have waited for too long without anything done. */
  isStuck(): boolean;
  /** Ends it for its user. */
  end(why: LossReason): void;
}

/** Why a holding ended before it was released. */
export type LossReason = "other_holder" | "gave_up" | "other_server" | "closed";

export interface HeldGroupOptions {
  readonly group: OrderedGroup;
  readonly token: string;
  readonly since: number;
  readonly leaseMs: number;
  /** Milliseconds since any moment. */
  readonly now: () => number;
  readonly release: () => Promise<void>;
  readonly deposed: () => void;
}

export function heldGroup(options: HeldGroupOptions): HeldGroup {
  const { group, token, since, leaseMs, now } = options;
  const lost = new AbortController();
  let aliveAt = now();
  let waitingSince: number | undefined;
  const holding: Holding = {
    status: "held",
    group,
    token,
    lost: lost.signal,
    alive() {
      aliveAt = now();
    },
    waiting(isWaiting) {
      waitingSince = isWaiting ? (waitingSince ?? now()) : undefined;
    },
    progressed() {
      if (waitingSince !== undefined) waitingSince = now();
    },
    deposed: options.deposed,
    release: options.release,
  };
  return {
    group,
    token,
    holding,
    since,
    isAlive: () => now() - aliveAt < leaseMs,
    isStuck: () => waitingSince !== undefined && now() - waitingSince >= 2 * leaseMs,
    end(why) {
      lost.abort(new HoldingLostError(group, why));
    },
  };
}

/** The reason of {@link Holding.lost}. */
export class HoldingLostError extends Error {
  override readonly name = "HoldingLostError";
  readonly why: LossReason;
  constructor(group: OrderedGroup, why: LossReason) {
    super(`this router no longer holds ${group}: ${WORDS[why]}`);
    this.why = why;
  }
}

const WORDS: Readonly<Record<LossReason, string>> = {
  other_holder: "another router has taken it",
  gave_up: "entries waited and nothing was committed, so it was released for another router",
  other_server: "the connection leads to another Redis server than before",
  closed: "the router stops",
};

export function newToken(): string {
  return randomUUID();
}
