import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import type { Budget } from "./budget.ts";
import type { BatchSource } from "./consume.ts";
import type { ConsumerSession, Read, SessionDeps } from "./consumer-session.ts";

export interface ReaderOptions {
  /** The reader's own connection. */
  readonly blocking: Redis;
  readonly read: Read;
  readonly countMax: number;
  readonly blockMs: number;
}

/** Reads new entries until it is stopped, one batch ahead: while one is processed, the next one is on its way. */
export interface Reader extends BatchSource {
  /** Ends the wait. What the read in flight returns is still given out; with `drain`, so is what is in the stream. */
  stopReading(options: { readonly drain: boolean }): void;
  /** Ends the wait and gives nothing more out; resolves with what was read and not given out. */
  abandon(): Promise<readonly Entry[]>;
}

const UNBLOCK_EVERY_MS = 50;

interface Delivery {
  readonly entries: Entry[];
  /** It was to wait for entries if there were none. */
  readonly waited: boolean;
}

/** For what fails now and is done again in a moment. */
const triedAgain = (): void => undefined;

export function readUntilStopped(
  {
    deps: { redis },
    onDelivered,
  }: Pick<ConsumerSession, "onDelivered"> & { readonly deps: Pick<SessionDeps, "redis"> },
  { blocking, read: readNew, countMax, blockMs }: ReaderOptions,
): Reader {
  /** Outlives an error elsewhere in the loop, since what it returns has been delivered to this process. */
  let reading: Promise<Delivery> | undefined;
  let state: "reading" | "draining" | "stopped" = "reading";
  let isAbandoned = false;
  let connectionId: number | undefined;
  const forgetConnection = (): void => {
    connectionId = undefined;
  };
  blocking.on("close", forgetConnection);

  async function read(): Promise<Delivery> {
    if (connectionId === undefined) {
      // Sent in one go with the read, so it costs no round trip. A failure is the read's failure as well.
      blocking.client("ID").then((id) => {
        connectionId = id;
      }, triedAgain);
    }
    const waits = state === "reading";
    const entries = await readNew({ countMax, blockMs: waits ? blockMs : 0 });
    onDelivered(entries);
    return { entries, waited: waits };
  }

  function startReading(): Promise<Delivery> {
    const started = read();
    // Awaited by the next call of next(); until then its failure must not count as unhandled.
    started.catch(() => undefined);
    return started;
  }

  /**
   * When nothing more waits, the entries that were read go first: asking for the next ones right away kept a signal at 500 a
   * second from its strategies for 60 µs of a millisecond.
   */
  function readAheadSoon(): void {
    setImmediate(() => {
      if (state !== "stopped") reading ??= startReading();
    });
  }

  /** CLIENT UNBLOCK, again and again: the first may come just before the read it is meant for. */
  function unblock(): void {
    if (reading === undefined) return;
    const end = (): void => {
      if (reading === undefined || blocking.status === "end") clearInterval(timer);
      else if (connectionId !== undefined) redis.client("UNBLOCK", connectionId).catch(triedAgain);
    };
    const timer = setInterval(end, UNBLOCK_EVERY_MS);
    end();
  }

  return {
    async next({ msMax }) {
      if (isAbandoned || (reading === undefined && state === "stopped")) return undefined;
      const current = (reading ??= startReading());
      try {
        const given = await withinMs(current, msMax);
        if (isAbandoned) return undefined;
        if (given === undefined) return "waiting";
        const { entries, waited } = given;
        // One that waited may have ended without entries right before something came.
        if (state === "draining" && !waited && entries.length === 0) state = "stopped";
        reading = undefined;
        if (entries.length < countMax) readAheadSoon();
        else if (state !== "stopped") reading = startReading();
        return entries.length === 0 && state === "stopped" ? undefined : entries;
      } catch (error) {
        reading = undefined;
        if (isAbandoned) return undefined;
        throw error;
      }
    },
    stopReading({ drain }) {
      if (state !== "reading") return;
      state = drain ? "draining" : "stopped";
      unblock();
    },
    async abandon() {
      isAbandoned = true;
      state = "stopped";
      unblock();
      const left = await reading?.catch(() => undefined);
      reading = undefined;
      // The connection outlives its readers: each holding has one.
      blocking.off("close", forgetConnection);
      return left?.entries ?? [];
    },
  };
}

/** What it gives, or undefined when that takes longer than `msMax`. */
async function withinMs<T>(given: Promise<T>, msMax: number): Promise<T | undefined> {
  if (msMax === Infinity) return given;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, msMax, undefined);
  });
  try {
    return await Promise.race([given, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ReadUntilEmptyOptions {
  readonly budget: Budget;
  /** Entries per batch. */
  readonly batchCountMax: number;
  /** Entries in all. */
  readonly countMax: number;
}

/** Reads what waits, until nothing does or the budget is used; at least one batch, unless the process stops. */
export function readUntilEmpty(
  { reads, deps: { redis }, counts, onDelivered }: ConsumerSession,
  { budget, batchCountMax, countMax }: ReadUntilEmptyOptions,
): BatchSource & { readonly isEmpty: () => boolean } {
  let isEmpty = false;
  const read = reads({ redis, blocking: false });
  return {
    isEmpty: () => isEmpty,
    async next() {
      const isUsed = counts.read > 0 && (budget.leftMs() === 0 || counts.read >= countMax);
      if (isUsed || budget.stopping?.aborted === true) return undefined;
      const room = Math.min(batchCountMax, countMax - counts.read);
      const batch = await read({ countMax: room, blockMs: 0 });
      onDelivered(batch);
      isEmpty = batch.length === 0;
      return isEmpty ? undefined : batch;
    },
  };
}
