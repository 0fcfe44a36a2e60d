import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";

export interface ReaderOptions {
  readonly group: StreamGroup;
  /** For everything that answers at once. */
  readonly redis: Redis;
  /** The reader's own connection. */
  readonly blocking: Redis;
  readonly countMax: number;
  readonly blockMs: number;
  /** Told of entries the moment they are delivered to this process. */
  readonly onDelivered: (entries: readonly Entry[]) => void;
}

/** For what fails now and is done again in a moment. */
const triedAgain = (): void => undefined;

/** Reads ahead: while one batch is worked on, the next one is on its way. */
export interface Reader {
  /** The next batch, empty after a wait in vain; undefined when the reader was stopped and nothing is left. */
  next(): Promise<readonly Entry[] | undefined>;
  /** Ends the wait. What the read under way returns is still given out; with `drain`, so is what is there already. */
  stop(options: { drain: boolean }): void;
}

const UNBLOCK_EVERY_MS = 50;

interface Read {
  readonly entries: Entry[];
  /** It was to wait for entries if there were none. */
  readonly waited: boolean;
}

export function openReader({
  group,
  redis,
  blocking,
  countMax,
  blockMs,
  onDelivered,
}: ReaderOptions): Reader {
  /** Outlives an error elsewhere in the loop, since what it returns has been delivered to this process. */
  let reading: Promise<Read> | undefined;
  let state: "reading" | "draining" | "stopped" = "reading";
  let connectionId: number | undefined;
  blocking.on("close", () => {
    connectionId = undefined;
  });

  async function read(): Promise<Read> {
    if (connectionId === undefined) {
      // Sent in one go with the read, so it costs no round trip. A failure is the read's failure as well.
      blocking.client("ID").then(
        (id) => {
          connectionId = id;
        },
        () => undefined,
      );
    }
    const waits = state === "reading";
    const entries = await group.read(blocking, { countMax, blockMs: waits ? blockMs : 0 });
    onDelivered(entries);
    return { entries, waited: waits };
  }

  function startReading(): Promise<Read> {
    const started = read();
    // Awaited by the next call of next(); until then its failure must not count as unhandled.
    started.catch(() => undefined);
    return started;
  }

  /**
   * When nothing more waits, whoever got the entries goes first: asking for the next ones right away kept a signal at 500 a
   * second from its strategies for 60 µs of a millisecond.
   */
  function readAheadSoon(): void {
    setImmediate(() => {
      if (state !== "stopped") reading ??= startReading();
    });
  }

  /** CLIENT UNBLOCK, again and again: the first may come just before the read it is meant for. */
  function unblock(): void {
    const timer = setInterval(() => {
      if (reading === undefined || blocking.status === "end") clearInterval(timer);
      else if (connectionId !== undefined) redis.client("UNBLOCK", connectionId).catch(triedAgain);
    }, UNBLOCK_EVERY_MS);
  }

  return {
    async next() {
      if (reading === undefined && state === "stopped") return undefined;
      const current = (reading ??= startReading());
      try {
        const { entries, waited } = await current;
        // One that waited may have ended in vain right before something came.
        if (state === "draining" && !waited && entries.length === 0) state = "stopped";
        reading = undefined;
        if (entries.length < countMax) readAheadSoon();
        else if (state !== "stopped") reading = startReading();
        return entries.length === 0 && state === "stopped" ? undefined : entries;
      } catch (error) {
        reading = undefined;
        throw error;
      }
    },
    stop({ drain }) {
      if (state !== "reading") return;
      state = drain ? "draining" : "stopped";
      if (reading !== undefined) unblock();
    },
  };
}
