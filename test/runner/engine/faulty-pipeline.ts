import type { Redis } from "ioredis";
import { orderedBatches } from "../../../runner/consume/ordered-batches.ts";
import type { Binding } from "../../../runner/engine/binding.ts";
import { processBatch, type ProcessDeps } from "../../../runner/engine/process-batch.ts";
import type { Commit, DecidedOn } from "../../../shared/commit.ts";
import type { Entry } from "../../../shared/entry.ts";
import { HOLDER, type Append, type Result } from "../../../shared/function.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { interceptCommits } from "../../servers/intercept-commits.ts";

export const STREAM = "signals_stream";
export const GROUP = "signal_processor";
const CONSUMER = "c";
const NEVER = new AbortController().signal;
/** What goes wrong in one attempt of a commit: from its n-th call on, or at that call alone. */
export interface Fault {
  /**
   * `unsent`: never sent · `unanswered`: sent, and the answer lost · `outdated`: the control epoch raised before it ·
   * `swapped`: another snapshot current during it · `blocked`: a key of another type during it.
   */
  readonly kind: "unsent" | "unanswered" | "outdated" | "swapped" | "blocked";
  readonly call: number;
  readonly alone: boolean;
}

export interface BatchCase {
  readonly size: number;
  /** Faults of the first attempts of its commit; later ones succeed. */
  readonly attempts: readonly (readonly Fault[])[];
  /** Number of groups in which the function yields its results; if 1, they are decided on a snapshot. */
  readonly answers: number;
  /** Whether the function throws when it gets several entries, which are then tried one by one. */
  readonly throws: boolean;
}

export interface Case {
  readonly batches: readonly BatchCase[];
  /** How many uids there are: signals beyond are duplicates. */
  readonly uids: number;
}

/** Delivers entries batch by batch and processes them as the poll loop does, with faulty commits. */
export class Pipeline {
  readonly keys: Keys = keysOf(freshPrefix());
  readonly #redis: Redis;
  readonly #asides: Promise<unknown>[] = [];
  #decidedOn: Promise<DecidedOn> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Adds `count` entries, each with its number; returns their ids. */
  async fill(count: number): Promise<string[]> {
    const stream = this.keys.stream(STREAM);
    await this.#redis.xgroup("CREATE", stream, GROUP, "0", "MKSTREAM");
    await this.#redis.set(this.keys.referenceCurrent, "v1");
    await this.#redis.hset(this.keys.metrics, "before", "1");
    const added = Array.from({ length: count }, async (_, n) => this.#redis.xadd(stream, "*", "n", n));
    return (await Promise.all(added)).map(String);
  }

  async work({ batches: cases, uids }: Case, commitOf = this.faultyCommit.bind(this)): Promise<void> {
    const group = streamGroupOn(this.#redis, this.keys, { stream: STREAM, group: GROUP, consumer: CONSUMER });
    const orderKey = this.keys.sequence(STREAM, GROUP, CONSUMER);
    const batches = orderedBatches({ inFlight: { ids: new Set() }, group, orderKey, inFlightMax: 3 });
    for (const one of cases) {
      const slot = batches.nextSlot();
      const batch = await group.read(this.#redis, { countMax: one.size, blockMs: 0 });
      const binding = this.#bindingFor(one, uids);
      const deps = depsWith(commitOf(one));
      await batches.start(async () => {
        const { stoppedBy } = await processBatch(binding, batch, deps, { deliveries: 1, slot });
        if (stoppedBy !== undefined) throw stoppedBy;
      }, slot);
    }
    await batches.running.ended();
    batches.running.throwFailure();
    await Promise.all(this.#asides);
  }

  /** The commit, whose attempts go wrong as the case says. */
  faultyCommit({ attempts }: BatchCase): Commit {
    let done = 0;
    return async (items, options) => {
      const faults = attempts[done] ?? [];
      done += 1;
      return commitOn(this.#faulty(faults), this.keys, { dedupTtlMs: 60_000 })(items, options);
    };
  }

  #faulty(faults: readonly Fault[]): Redis {
    let calls = 0;
    return interceptCommits(this.#redis, async (send) => {
      const n = calls;
      calls += 1;
      const hits = (kind: Fault["kind"]): boolean =>
        faults.some((fault) => fault.kind === kind && (fault.alone ? n === fault.call : n >= fault.call));
      if (hits("unsent")) throw new Error("never sent");
      const { metrics, control, referenceCurrent, prefix } = this.keys;
      // All of it is sent at once, so that no other command comes between.
      if (hits("outdated")) this.#asides.push(this.#redis.hincrby(control, "epoch", 1));
      const swapped = hits("swapped");
      if (swapped) this.#asides.push(this.#redis.set(referenceCurrent, "v2"));
      const blocked = hits("blocked");
      if (blocked)
        this.#asides.push(this.#redis.rename(metrics, `${prefix}aside`), this.#redis.set(metrics, "x"));
      const answer = send();
      if (blocked) this.#asides.push(this.#redis.rename(`${prefix}aside`, metrics));
      if (swapped) this.#asides.push(this.#redis.set(referenceCurrent, "v1"));
      if (!hits("unanswered")) return answer;
      await answer;
      throw new Error("answer lost");
    });
  }

  /** A function that dispatches each signal; it decides on the same state until that is outdated. */
  #bindingFor({ answers, throws }: BatchCase, uids: number): Binding {
    const decide = this.#decide.bind(this);
    const invalidate = (): void => {
      this.#decidedOn = undefined;
    };
    return {
      functionName: "process-signals",
      stream: STREAM,
      group: GROUP,
      async *run(entries) {
        if (throws && entries.length > 1) throw new Error("thrown");
        const decidedOn = answers === 1 ? { decidedOn: await decide() } : {};
        const size = Math.ceil(entries.length / answers);
        for (let at = 0; at < entries.length; at += size) {
          const results = entries.slice(at, at + size).map((entry) => dispatched(entry, uids));
          yield { status: "answered", results, ...decidedOn };
        }
      },
      invalidate,
    };
  }

  async #decide(): Promise<DecidedOn> {
    this.#decidedOn ??= this.#redis
      .hget(this.keys.control, "epoch")
      .then((epoch) => ({ version: "v1", epoch: epoch ?? "0" }));
    return this.#decidedOn;
  }
}

/** Two tasks if the signal's uid is won, and a record that names its holder in any case. */
function dispatched({ id, fields }: Entry, uids: number): Result {
  const record = (holder: string): Append => ({
    stream: "signal_results",
    fields: { entry_id: id, holder },
  });
  const tasks: Append = {
    stream: "strategy_input_stream",
    each: [{ strategy_id: "1" }, { strategy_id: "2" }],
    fields: { entry_id: id },
  };
  const ifLost = { append: [record(HOLDER)], count: ["duplicates"] };
  return {
    id,
    status: "done",
    effects: {
      append: [tasks, record(id)],
      count: ["dispatched"],
      claim: { uid: String(Number(fields["n"]) % uids), ifLost },
    },
  };
}

function depsWith(commit: Commit): ProcessDeps {
  return {
    commit,
    clock: {
      now: () => Date.now(),
      sample: async () => undefined,
      isDue: () => false,
      check: async () => Date.now(),
      steadyMs: () => Infinity,
    },
    events: { publish: () => undefined, flush: async () => undefined },
    reporter: { failed: () => undefined, recovered: () => undefined },
    stopping: NEVER,
    abort: NEVER,
  };
}
