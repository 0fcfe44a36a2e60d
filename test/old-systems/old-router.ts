import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { sql } from "../servers/insert-reference.ts";

/**
 * Stands in for the router before: reads `signals_stream` as group `signal_processor`, acknowledges before it writes, trades each
 * repetition again, and leaves the tasks to `core_io`, which reads `signals_log_stream`. v2's makes its tasks itself.
 */
export interface OldRouter {
  /** Stops reading signals; `core_io` goes on. */
  stopReading(): Promise<void>;
  stop(): Promise<void>;
}

export interface OldRouterOptions {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly system: "v4" | "v2";
}

export const OLD_CONSUMER = "worker-1";

interface Loop {
  stop(): Promise<void>;
}

export async function startOldRouter({
  redisUrl,
  databaseUrl,
  system,
}: OldRouterOptions): Promise<OldRouter> {
  const decide = async (fields: Fields): Promise<Decided | undefined> =>
    decideAsBefore(databaseUrl, system, fields);
  const tasksTo = async (redis: Redis, decided: Decided): Promise<void> => {
    for (const id of decided.strategies) await redis.xadd(taskStream(system), "*", ...taskOf(id, decided));
  };
  const reader = await startLoop(redisUrl, {
    stream: "signals_stream",
    group: "signal_processor",
    acknowledgesFirst: true,
    async work(redis, fields) {
      const decided = await decide(fields);
      if (decided === undefined) return;
      await writeRow(databaseUrl, system, decided);
      if (system === "v2") await tasksTo(redis, decided);
      else await redis.xadd("signals_log_stream", "*", "decided", JSON.stringify(decided));
    },
  });
  const coreIo =
    system === "v2"
      ? undefined
      : await startLoop(redisUrl, {
          stream: "signals_log_stream",
          group: "core_io",
          acknowledgesFirst: false,
          work: async (redis, { decided = "" }) => tasksTo(redis, JSON.parse(decided) as Decided),
        });
  return {
    stopReading: async () => reader.stop(),
    async stop() {
      await reader.stop();
      await coreIo?.stop();
    },
  };
}

type Fields = Readonly<Record<string, string>>;

interface LoopOptions {
  readonly stream: string;
  readonly group: string;
  readonly acknowledgesFirst: boolean;
  readonly work: (redis: Redis, fields: Fields) => Promise<void>;
}

async function startLoop(
  url: string,
  { stream, group, acknowledgesFirst, work }: LoopOptions,
): Promise<Loop> {
  const redis = new Redis(url);
  await redis.xgroup("CREATE", stream, group, "$", "MKSTREAM").catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith("BUSYGROUP")) throw error;
  });
  const stopping = new AbortController();
  const read = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const reply = (await redis.xreadgroup(
        ...(["GROUP", group, OLD_CONSUMER, "COUNT", 10, "BLOCK", 50, "STREAMS", stream, ">"] as const),
      )) as [string, [string, string[]][]][] | null;
      for (const [id, flat] of reply?.[0]?.[1] ?? []) {
        if (acknowledgesFirst) await redis.xack(stream, group, id);
        await work(redis, fieldsOf(flat));
        if (!acknowledgesFirst) await redis.xack(stream, group, id);
      }
    }
  };
  const ended = read();
  return {
    async stop() {
      stopping.abort();
      await ended;
      redis.disconnect();
    },
  };
}

function fieldsOf(flat: readonly string[]): Fields {
  return Object.fromEntries(
    flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as const] : [])),
  );
}

interface Decided {
  readonly uid: string;
  readonly signalId: number;
  readonly direction: "long" | "short";
  readonly fields: Fields;
  readonly strategies: readonly number[];
}

/** Undefined where the router before logged nothing: an unknown phrase or ticker, or one in lower case. */
async function decideAsBefore(
  url: string,
  system: "v4" | "v2",
  fields: Fields,
): Promise<Decided | undefined> {
  const { message = "", symbol = "" } = fields;
  const tickers = system === "v4" ? "tickers_bb" : "tickers";
  const [ticker] = await sql(
    url,
    `SELECT id FROM ${tickers} WHERE symbol = $1 AND status = 'enabled' AND tradepermission = 'enabled'`,
    [symbol],
  );
  const [signal] = await sql(
    url,
    `SELECT id, CASE WHEN long_phrase = $1 THEN 'long' ELSE 'short' END AS direction FROM signals_${system}
      WHERE enabled AND $1 IN (long_phrase, short_phrase) AND $1 = upper($1) ORDER BY id LIMIT 1`,
    [message],
  );
  if (ticker === undefined || signal === undefined) return undefined;
  const rows = await sql(url, STRATEGIES[system], [signal["id"], ...(system === "v4" ? [ticker["id"]] : [])]);
  return {
    uid: randomUUID(),
    signalId: Number(signal["id"]),
    direction: signal["direction"] === "long" ? "long" : "short",
    fields,
    strategies: rows.map(({ id }) => Number(id)),
  };
}

const STRATEGIES = {
  v4: `SELECT id FROM strategies_v4 s WHERE signal_id = $1 AND enabled AND NOT archived AND (allow_open OR reverse)
    AND (use_all_tickers OR EXISTS (
      SELECT FROM strategy_tickers_v4 l WHERE l.strategy_id = s.id AND l.ticker_id = $2 AND l.enabled
    )) ORDER BY id`,
  v2: `SELECT DISTINCT s.id FROM strategies_v2 s JOIN strategy_signals_v2 l ON l.strategy_id = s.id
    WHERE l.signal_id = $1 AND s.enabled AND NOT s.archived AND s.allow_open ORDER BY 1`,
};

/** A bar time that cannot be read is dispatched, but its row is lost. */
async function writeRow(url: string, system: "v4" | "v2", decided: Decided): Promise<void> {
  const { uid, signalId, direction, fields, strategies } = decided;
  if ((fields["bar_time"] ?? "") === "") return;
  await sql(
    url,
    `INSERT INTO signals_${system}_log
      (uid, signal_id, direction, symbol, message, source, status, raw_message, bar_time, received_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC')`,
    [
      uid,
      signalId,
      direction,
      fields["symbol"],
      fields["message"],
      fields["source"] ?? null,
      strategies.length > 0 ? "dispatched" : "ignored",
      JSON.stringify({ ...fields, strategies }),
      fields["bar_time"],
    ],
  );
}

function taskStream(system: "v4" | "v2"): string {
  return system === "v4" ? "strategy_input_stream" : "strategy_tasks";
}

function taskOf(strategyId: number, { uid, signalId, direction, fields }: Decided): string[] {
  const { symbol = "", bar_time: time = "", received_at: receivedAt = "", source = "" } = fields;
  const task = { strategy_id: strategyId, signal_id: signalId, symbol, direction, time, source };
  return Object.entries({ ...task, received_at: receivedAt, log_uid: uid }).flatMap(([name, value]) => [
    name,
    String(value),
  ]);
}
