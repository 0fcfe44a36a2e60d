import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { mixedSignal } from "../mixed-signals.ts";
import type { Random } from "./random.ts";

/** What came of the producer's XADDs. */
export interface Produced {
  /** Ids Redis answered with: these entries have to be in the stream at the end. */
  readonly confirmed: readonly string[];
  /** Sent without an answer. They are in the stream or not, and are never sent again; the stream tells at the end. */
  readonly unanswered: number;
}

export interface Producer {
  /** How many have been sent so far. */
  readonly sent: number;
  /** Sends no more and waits for the answers that are missing. */
  stop(): Promise<Produced>;
}

export interface ProducerOptions {
  readonly redis: Redis;
  /** The stream's key. */
  readonly key: string;
  /** Signals per second. */
  readonly rate: number;
  readonly random: Random;
}

/** Longer than what the record keeps of a field, and short enough for thousands of them. */
const LONG_TEXT = "x".repeat(20_000);
const MARK = "torture";

/**
 * The n-th signal of a run. The mixture's signals come in groups of twenty around the same bar; a group is met again and
 * again for some seconds, and sometimes long afterwards, so that uids repeat at every distance.
 */
export function tortureSignal(n: number, now: number, random: Random): Record<string, string | Buffer> {
  const recent = Math.floor(n / 20) - random.below(4);
  const group = Math.max(0, random.below(10) === 0 ? random.below(Math.floor(n / 20) + 1) : recent);
  const fields = mixedSignal(group * 20 + random.below(20), now);
  return { ...fields, ...("note" in fields ? { note: LONG_TEXT } : {}), [MARK]: String(n) };
}

/** Adds signals at a steady rate until it is stopped, whatever happens to Redis. */
export function startProducer({ redis, key, rate, random }: ProducerOptions): Producer {
  const confirmed: string[] = [];
  const waiting = new Set<Promise<void>>();
  const stopping = new AbortController();
  let unanswered = 0;
  let sent = 0;

  function send(): void {
    const fields = tortureSignal(sent, Date.now(), random);
    sent += 1;
    const answer: Promise<void> = redis
      .xadd(key, "*", ...Object.entries(fields).flat())
      .then(
        (id) => void confirmed.push(String(id)),
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
