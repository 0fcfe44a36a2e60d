import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { mixedSignal, MIXTURE } from "../mixed-signals.ts";
import type { Random } from "./random.ts";
import { respelled } from "./spellings.ts";

/** Adds signals to a stream at a steady rate during a run. */
export interface Producer {
  /** Signals sent so far. */
  readonly sent: number;
  /** Sends no more and waits for the missing replies. */
  stop(): Promise<Produced>;
}

/** The replies to the producer's XADDs. */
export interface Produced {
  /** Ids that Redis returned: these entries must be in the stream at the end. */
  readonly confirmed: readonly string[];
  /** Number of XADDs without a reply. They are never sent again, and may be in the stream or not. */
  readonly unanswered: number;
}

export interface ProducerOptions {
  readonly redis: Redis;
  /** The stream's key. */
  readonly key: string;
  /** Signals per second. */
  readonly rate: number;
  readonly random: Random;
  /** So many replicas must have an entry before it counts as confirmed. */
  readonly replicasMin: number;
}

/** Longer than the record keeps of a field, and short enough for thousands of signals. */
const LONG_TEXT = "x".repeat(20_000);
const MARK = "torture";
const CONFIRM_MS_MAX = 500;

/**
 * The n-th signal of a run. The mixed signals are groups with the same bar time; a group repeats for some
 * seconds, and sometimes much later, so that uids repeat at every distance.
 */
export function tortureSignal(n: number, now: number, random: Random): Record<string, string | Buffer> {
  const newest = Math.floor(n / MIXTURE);
  const recent = newest - random.below(4);
  const group = Math.max(0, random.below(10) === 0 ? random.below(newest + 1) : recent);
  const fields = respelled(mixedSignal(group * MIXTURE + random.below(MIXTURE), now), random);
  return { ...fields, ...("note" in fields ? { note: LONG_TEXT } : {}), [MARK]: String(n) };
}

/** Adds signals at a steady rate until it is stopped, also while Redis is unavailable. */
export function startProducer({ redis, key, rate, random, replicasMin }: ProducerOptions): Producer {
  const confirmed: string[] = [];
  const waiting = new Set<Promise<void>>();
  const stopping = new AbortController();
  let unanswered = 0;
  let sent = 0;

  /** The id, once enough replicas have the entry. */
  async function add(fields: Record<string, string | Buffer>): Promise<string> {
    const args = Object.entries(fields).flat();
    if (replicasMin === 0) return String(await redis.xadd(key, "*", ...args));
    // In one write, so that both go to the same server.
    const answers = await redis
      .pipeline()
      .xadd(key, "*", ...args)
      .wait(replicasMin, CONFIRM_MS_MAX)
      .exec();
    const [[failed, id] = [], [, replicas] = []] = answers ?? [];
    if (failed instanceof Error) throw failed;
    if (!(Number(replicas) >= replicasMin)) throw new Error(`${Number(replicas)} replicas have the entry`);
    return String(id);
  }

  function send(): void {
    const fields = tortureSignal(sent, Date.now(), random);
    sent += 1;
    const answer: Promise<void> = add(fields)
      .then(
        (id) => void confirmed.push(id),
        () => {
          unanswered += 1;
        },
      )
      .finally(() => waiting.delete(answer));
    waiting.add(answer);
  }

  async function run(): Promise<void> {
    const startedAt = performance.now();
    while (!stopping.signal.aborted) {
      while (sent < ((performance.now() - startedAt) / 1000) * rate) send();
      await pause(20, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const ended = run();
  return {
    get sent() {
      return sent;
    },
    async stop() {
      stopping.abort();
      await ended;
      await Promise.all(waiting);
      return { confirmed, unanswered };
    },
  };
}
