import type { Redis } from "ioredis";
import { fieldsOf, type Entry } from "../../shared/entry.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { GROUPS, type Keys, type StreamName } from "../../shared/keys.ts";
import type { Begun } from "./begun.ts";
import type { Setting } from "./faults.ts";
import type { ControlChange, Observation, Revision } from "./timeline.ts";

/** Everything a run has produced, and what the run itself knows; collected once all work is done. */
export interface Facts {
  readonly setting: Setting;
  readonly signalAgeMsMax: number;
  /** Whole streams. */
  readonly entries: readonly Entry[];
  /** Published decisions. */
  readonly results: readonly Entry[];
  /** Published outcomes of tasks. */
  readonly executions: readonly Entry[];
  readonly tasks: readonly Entry[];
  readonly deadLetters: readonly Entry[];
  /** Entries ever added, by stream; more than the stream has when entries were removed. */
  readonly added: Readonly<Record<string, number>>;
  readonly rows: readonly LogRow[];
  readonly outcomes: readonly OutcomeLogRow[];
  readonly metrics: Readonly<Record<string, string>>;
  readonly groups: readonly GroupState[];
  readonly criticalEvents: readonly string[];
  /** Runs of strategies in the order in which they were begun. */
  readonly begun: readonly Begun[];
  /** How long after the end of a fault, with no other one under way, every router said that it is ready, in ms. */
  readonly readyAfterMs: readonly number[];
  /** Ids that the producer received from Redis. */
  readonly confirmed: readonly string[];
  readonly revisions: readonly Revision[];
  readonly control: readonly ControlChange[];
  readonly observations: readonly Observation[];
  /** Faults noticed during the run, such as a router that exited by itself. */
  readonly seen: readonly string[];
}

/** A row of signal_log. */
export interface LogRow {
  readonly entry_id: string;
  readonly invocation: string;
  readonly uid: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly signal_id: number | null;
  readonly direction: string | null;
  readonly side: string | null;
  readonly symbol: string | null;
  readonly source: string | null;
  readonly raw: Readonly<Record<string, string>>;
  readonly bar_time: Date | null;
  readonly sent_at: Date | null;
  readonly received_at: Date;
  readonly decided_at: Date;
  readonly snapshot: string;
  readonly duplicate_of: string | null;
}

/** A row of signal_log_entries. */
export interface OutcomeLogRow {
  readonly entry_id: string;
  readonly strategy_id: number;
  readonly stage: string;
  readonly status: string;
  readonly reason: string | null;
}

/** The remaining work of a consumer group. */
export interface GroupState {
  readonly name: string;
  readonly pending: number;
  /** Whether entries are not delivered yet. Redis' own `lag` is too high after an AOF rewrite and a restart. */
  readonly behind: boolean;
}

type Kept = "rows" | "outcomes" | "criticalEvents";
type InRedis =
  | "entries"
  | "results"
  | "executions"
  | "tasks"
  | "deadLetters"
  | "added"
  | "metrics"
  | "groups";

/** The facts in Redis. */
export async function redisFacts(redis: Redis, keys: Keys): Promise<Pick<Facts, InRedis>> {
  const streams = {
    entries: "signals_stream",
    results: "signal_results",
    tasks: "strategy_input_stream",
    deadLetters: "dead_letters",
  } as const;
  const [entries, published, tasks, deadLetters] = [
    await allEntries(redis, keys.stream(streams.entries)),
    await allEntries(redis, keys.stream(streams.results)),
    await allEntries(redis, keys.stream(streams.tasks)),
    await allEntries(redis, keys.stream(streams.deadLetters)),
  ];
  const added: Record<string, number> = {};
  for (const [name, stream] of Object.entries(streams)) added[name] = await addedTo(redis, keys, stream);
  const results = published.filter(({ fields }) => fields["kind"] !== "outcome");
  const executions = published.filter(({ fields }) => fields["kind"] === "outcome");
  const metrics = await redis.hgetall(keys.metrics);
  const groups = await groupStates(redis, keys);
  return { entries, results, executions, tasks, deadLetters, added, metrics, groups };
}

export async function deadLettersIn(redis: Redis, keys: Keys): Promise<Entry[]> {
  return allEntries(redis, keys.stream("dead_letters"));
}

/** The facts in Postgres, of the run's shard. */
export async function databaseFacts(database: Database, shard: string): Promise<Pick<Facts, Kept>> {
  const rows = await database.query<LogRow>("SELECT * FROM signal_log WHERE shard = $1", [shard]);
  const outcomes = await database.query<OutcomeLogRow>(
    "SELECT * FROM signal_log_entries WHERE shard = $1 AND invocation = 'live'",
    [shard],
  );
  const critical = await database.query<{ readonly source: string; readonly message: string }>(
    "SELECT source, message FROM system_log WHERE level = 'CRITICAL' ORDER BY at",
  );
  return { rows, outcomes, criticalEvents: critical.map(({ source, message }) => `${source}: ${message}`) };
}

/** The router's own groups, as far as they exist. */
export async function groupStates(redis: Redis, keys: Keys): Promise<GroupState[]> {
  const states: GroupState[] = [];
  for (const { stream, group } of GROUPS) {
    const key = keys.stream(stream);
    const groups = await infoOf(redis, "GROUPS", key);
    const [latest] = await redis.xrevrange(key, "+", "-", "COUNT", 1);
    for (const found of groups.filter(({ name }) => name === group)) {
      const behind = latest !== undefined && latest[0] !== found["last-delivered-id"];
      states.push({ name: `${stream}/${group}`, pending: Number(found["pending"]), behind });
    }
  }
  return states;
}

const PAGE = 1_000;

async function allEntries(redis: Redis, key: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after = "-"; ;) {
    const page = await redis.xrange(key, after, "+", "COUNT", PAGE);
    for (const [id, flat] of page) entries.push({ id, fields: fieldsOf(flat) });
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return entries;
    after = `(${last[0]}`;
  }
}

async function addedTo(redis: Redis, keys: Keys, stream: StreamName): Promise<number> {
  const [info] = await infoOf(redis, "STREAM", keys.stream(stream));
  return Number(info?.["entries-added"] ?? 0);
}

/** The reply of XINFO by field name, one record per group or one for the stream; none without a stream. */
async function infoOf(
  redis: Redis,
  what: "GROUPS" | "STREAM",
  key: string,
): Promise<Record<string, unknown>[]> {
  if ((await redis.exists(key)) === 0) return [];
  const reply = (await redis.call("XINFO", what, key)) as unknown[];
  const flats = what === "STREAM" ? [reply] : (reply as unknown[][]);
  return flats.map((flat) => {
    const info: Record<string, unknown> = {};
    for (let i = 0; i + 1 < flat.length; i += 2) info[String(flat[i])] = flat[i + 1];
    return info;
  });
}
