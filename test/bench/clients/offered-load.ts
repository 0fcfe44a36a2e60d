import type { Redis } from "ioredis";
import { atSteadyRate, type SteadyRate } from "./steady-rate.ts";

/** Sends signals at a steady rate while a reader waits for their results, and measures how long each took. */
export async function offerLoad(load: OfferedLoad): Promise<LoadTimes> {
  const seenAt = new Map<string, number>();
  const sent: Promise<{ id: string; at: number; counts: boolean }>[] = [];
  const sending = atSteadyRate(load, (i) => {
    const at = performance.now();
    sent.push(load.send(i).then((id) => ({ id, at, counts: i >= load.warmUp })));
  });
  let idsSeen = 0;
  let waitedUntil = Infinity;
  void sending.then(() => {
    waitedUntil = performance.now() + WAIT_MS_MAX;
  });
  while (idsSeen < load.idsExpected && performance.now() < waitedUntil) {
    const ids = await load.waitForIds();
    const at = performance.now();
    idsSeen += ids.length;
    for (const id of ids) if (!seenAt.has(id)) seenAt.set(id, at);
  }
  await sending;
  const tookMs: number[] = [];
  for (const { id, at, counts } of await Promise.all(sent)) {
    const seen = seenAt.get(id);
    if (counts && seen !== undefined) tookMs.push(seen - at);
  }
  return { tookMs, idsSeen };
}

const WAIT_MS_MAX = 10_000;

export interface OfferedLoad extends SteadyRate {
  /** Sends the signal with this index; resolves with its entry id. */
  readonly send: (i: number) => Promise<string>;
  readonly waitForIds: WaitForIds;
  /** Number of ids to wait for; a signal with several tasks counts as often. */
  readonly idsExpected: number;
  /** Signals at the start that are not measured. */
  readonly warmUp: number;
}

/** Waits for new entries of a stream; returns the ids of their signals, in stream order. */
export type WaitForIds = () => Promise<readonly string[]>;

export interface LoadTimes {
  /** From just before a signal was sent until its id was first read, in ms. */
  readonly tookMs: readonly number[];
  readonly idsSeen: number;
}

/** The signals of tasks in the order they are added; the stream is read from its beginning. */
export function tasksIn(blocking: Redis, stream: string): WaitForIds {
  let after = "0";
  return async () => {
    const reply = await blocking.xread("COUNT", 1_000, "BLOCK", 1_000, "STREAMS", stream, after);
    const entries = reply?.[0]?.[1] ?? [];
    after = entries.at(-1)?.[0] ?? after;
    return entries.map(([, fields]) => fields[fields.indexOf("entry_id") + 1] ?? "");
  };
}

/** New entries of a stream, read as a consumer of a group. */
export function entriesIn(blocking: Redis, stream: string, group: string): WaitForIds {
  return async () => {
    const call = ["GROUP", group, "reader", "COUNT", 1_000, "BLOCK", 1_000, "STREAMS", stream, ">"] as const;
    const streams = (await blocking.xreadgroup(...call)) as [string, [string, string[]][]][] | null;
    return (streams?.[0]?.[1] ?? []).map(([id]) => id);
  };
}
