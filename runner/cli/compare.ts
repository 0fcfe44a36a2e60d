import { compareLogs, type LogComparison } from "../../shared/compare/compare-logs.ts";
import { sharedPhrasesOf } from "../../shared/compare/shared-phrases.ts";
import { readComparedLogs, type ComparedSpan } from "../../shared/io/log/compared-logs.ts";
import { OldLogError } from "../../shared/io/log/old-log-table.ts";
import { databaseTime } from "../../shared/io/postgres/database-facts.ts";
import { DatabaseError, type Database } from "../../shared/io/postgres/database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { loadReferenceRows } from "../../shared/io/reference/reference-source.ts";
import { keysOf } from "../../shared/keys.ts";
import { readRows } from "../../shared/reference/read-rows.ts";
import { printableJson } from "../../shared/text.ts";
import { configOrExit, DATA_DIR, type Environment } from "../environment.ts";
import { comparedJson, comparedText } from "./compare-text.ts";
import { CliError } from "./connection.ts";

/** Exit code when nothing was compared; 1 says that something differs. */
const NOT_COMPARED = 2;

/**
 * `cli compare`: compares the log of the router before with this router's. Exit code 1 for a difference of class `other`, 2 when
 * they could not be compared.
 */
export async function compare(
  env: Environment,
  { table, since, from, to, limit: firstMax, json }: CompareCliOptions,
): Promise<void> {
  if (since !== undefined && (from !== undefined || to !== undefined))
    throw new CliError("expected either --since, or --from and --to", { exitCode: NOT_COMPARED });
  const config = configOrExit(env);
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = config;
  const { shard } = keysOf(config.keyPrefix, config);
  if (url === undefined)
    throw new CliError("DATABASE_URL is not set: expected the database that has both logs", {
      exitCode: NOT_COMPARED,
    });
  const database = await openDatabase({
    url,
    schema,
    neonWsProxy,
    dataDir: DATA_DIR,
    queryMsMax: QUERY_MS_MAX,
    onError: () => undefined,
  });
  try {
    const { rows } = readRows(await loadReferenceRows(database));
    const phrases = sharedPhrasesOf(rows);
    let span: ComparedSpan = { from: 0, to: 0, isCommon: false };
    const start = (found: ComparedSpan): LogComparison => {
      span = found;
      return compareLogs({ phrases, firstMax, window: { ...span, edgeMs: edgeOf(span) } });
    };
    const window = { from: (await sinceTime(database, since)) ?? from, to };
    const compared = (await readComparedLogs(database, { table, shard, ...window, start })).finish();
    const names = new Map(rows.strategies.map(({ id, name }) => [id, name]));
    const facts = { table, shard, span, compared, names };
    console.log(json ? printableJson(comparedJson(facts)) : comparedText(facts));
    if (compared.classes.other > 0) process.exitCode = 1;
  } catch (error) {
    if (error instanceof OldLogError || error instanceof DatabaseError)
      throw new CliError(error.message, { exitCode: NOT_COMPARED });
    throw error;
  } finally {
    await database.close();
  }
}

export interface CompareCliOptions {
  /** The log of the router before. */
  readonly table: string;
  /** How long ago it begins, in ms. */
  readonly since?: number;
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly to?: number;
  /** Differences to print, of each class. */
  readonly limit: number;
  readonly json: boolean;
}

/** Sorting a log of millions of rows takes Postgres some minutes. */
const QUERY_MS_MAX = 600_000;
/** Longest time that the two routers may take for the same signal, where one of the logs begins or ends. */
const EDGE_MS_MAX = 10_000;

/** At ends that were given, both logs go on. */
function edgeOf({ from, to, isCommon }: ComparedSpan): number {
  return isCommon ? Math.min(EDGE_MS_MAX, Math.floor((to - from) / 20)) : 0;
}

async function sinceTime(database: Database, agoMs: number | undefined): Promise<number | undefined> {
  return agoMs === undefined ? undefined : (await databaseTime(database)) - agoMs;
}
