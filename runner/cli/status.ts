import type { Config } from "../../shared/config/config.ts";
import { PAUSE_ALL } from "../../shared/decide/control.ts";
import { pausedText } from "../../shared/health/pauses.ts";
import type { PostgresHealth } from "../../shared/health/postgres.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { holderHealth } from "../../shared/io/status/holder-status.ts";
import { readReplicasHealth } from "../../shared/io/status/replicas-status.ts";
import { readStatus, type Status } from "../../shared/io/status/status.ts";
import { PROCESSING_MS_BOUNDS, processingField, RUN_MS_BOUNDS } from "../../shared/metrics.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { printable, printableJson } from "../../shared/text.ts";
import { DATA_DIR } from "../environment.ts";
import { healthFrom, postgresHealth } from "../telemetry/health.ts";
import { routerStatus } from "../telemetry/router-status.ts";
import type { Connection } from "./connection.ts";

/** `cli status`: prints health, streams, groups, snapshot, pauses and counters, as text or JSON. */
export async function printStatus(
  { redis, keys, config, confirm }: Connection,
  { json }: { readonly json: boolean },
): Promise<void> {
  const [found, postgres, replicas] = await Promise.all([
    readStatus(redis, keys),
    askPostgres(config),
    readReplicasHealth(confirm),
  ]);
  const health = healthFrom(found, { ...postgres, replicas }, config);
  const text = [
    `Health: ${health.status.replace("_", " ")}`,
    ...health.reasons.map((reason) => printable(`  ${reason}`)),
    ...shadowLines(found),
    statusText(found),
  ];
  console.log(json ? printableJson(routerStatus(health, found)) : text.join("\n"));
}

/** Only a server is asked: one process alone can open the embedded database. */
async function askPostgres(config: Config): Promise<PostgresHealth> {
  if (config.databaseUrl === undefined) return { postgresReachable: null };
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = config;
  const database = await openDatabase({
    url,
    schema,
    neonWsProxy,
    dataDir: DATA_DIR,
    queryMsMax: 3_000,
    onError: () => undefined,
  });
  const health = await postgresHealth(database, config);
  await database.close();
  return health;
}

function shadowLines({ shadow: { isShadow, suffix } }: Status): string[] {
  if (!isShadow) return [];
  const names = suffix === "" ? "" : `; its keys, groups and rows end in ${suffix}`;
  return [`Shadow: it decides and records, and hands on nothing${names}`];
}

/** The status as text for people. Names come from other programs: none may control the terminal, or make a line of its own. */
export function statusText(status: Status): string {
  const groupNames = status.streams.flatMap(({ groups }) => groups.map(({ name }) => name));
  // A suffix or another service makes them longer than the router's own.
  const width = Math.max(22, ...groupNames.map(({ length }) => Math.min(length + 2, 60)));
  return [
    "Streams",
    ...status.streams.flatMap(({ name, length, groups }) => [
      `  ${name.padEnd(width + 2)}${String(length).padStart(9)} entries`,
      ...groups.map(
        (group) =>
          `    ${group.name.padEnd(width)}${String(group.lag ?? "?").padStart(9)} waiting, ${group.pending} pending, ` +
          `${group.consumers} consumers${group.own ? "" : " (of another service)"}`,
      ),
    ]),
    ...section("Holders", holderLines(status)),
    "Reference",
    `  ${referenceText(status)}`,
    "Paused",
    ...pausedLines(status).map((line) => `  ${line}`),
    ...section("Signals", counters(status, "signals:")),
    ...section("Reasons", counters(status, "reasons:")),
    ...section("Strategies", strategyLines(status, "strategy")),
    ...section("Tasks run", strategyLines(status, "execution")),
    ...section("Dead letters", counters(status, "dead_letters:")),
    ...section("Processing time, entry id to commit", processingLines(status)),
  ]
    .map(printable)
    .join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...(lines.length === 0 ? ["  none yet"] : lines.map((line) => `  ${line}`))];
}

/** Which router reads each ordered group, and how many would take it. */
function holderLines(status: Status): string[] {
  return status.holders.map(({ group, status: lease, runner, since }) => {
    const { living = 0 } = holderHealth(group, status) ?? {};
    const standbys = status.routers.some(({ consumer }) => consumer === runner) ? living - 1 : living;
    const minutes = since === null ? 0 : Math.max(0, Math.round((status.now - since) / 60_000));
    const who =
      lease === "held"
        ? `${runner}, for ${minutes} min`
        : lease === "expired"
          ? `none; the last was ${runner}`
          : lease === "free"
            ? "none"
            : "not known: its lease cannot be read";
    return `${group.padEnd(24)}${who}; ${Math.max(0, standbys)} on standby`;
  });
}

function referenceText({ reference, now }: Status): string {
  if (reference.version === null) return "none: no signal is decided until there is one";
  const age =
    reference.confirmedAt === null
      ? "never"
      : `${Math.max(0, Math.round((now - reference.confirmedAt) / 1000))} s ago`;
  return `version ${reference.version}, confirmed ${age}`;
}

function pausedLines({ paused, strategies }: Status): string[] {
  const notes = Object.entries(paused);
  if (notes.length === 0) return ["none"];
  return notes.map(([id, note]) => {
    const who = id === PAUSE_ALL ? "every strategy" : strategyLabel(Number(id), strategies.names[Number(id)]);
    return who + pausedText(note);
  });
}

function counters({ metrics }: Status, prefix: string): string[] {
  return Object.entries(metrics)
    .filter(([field]) => field.startsWith(prefix))
    .toSorted(([, a], [, b]) => b - a)
    .map(([field, count]) => `${field.slice(prefix.length).padEnd(24)}${String(count).padStart(9)}`);
}

/** Per strategy a line such as `executed 7, failed 1`. */
function strategyLines({ metrics, strategies }: Status, kind: "strategy" | "execution"): string[] {
  const byStrategy = new Map<number, string[]>();
  for (const [field, count] of Object.entries(metrics)) {
    const [, found, id, outcome] = /^(strategy|execution):(\d+):(.+)$/.exec(field) ?? [];
    if (found !== kind || id === undefined) continue;
    byStrategy.set(Number(id), [...(byStrategy.get(Number(id)) ?? []), `${outcome} ${count}`]);
  }
  return [...byStrategy]
    .toSorted(([a], [b]) => a - b)
    .map(([id, outcomes]) => {
      const more = kind === "execution" ? effortText(id, metrics) : "";
      return `${strategyLabel(id, strategies.names[id]).padEnd(24)} ${outcomes.toSorted().join(", ")}${more}`;
    });
}

/** Attempts and mean run time of a strategy's tasks so far. */
function effortText(id: number, metrics: Status["metrics"]): string {
  const runs = [...RUN_MS_BOUNDS, "inf" as const].reduce(
    (sum, bound) => sum + (metrics[`run_ms:${id}:le:${bound}`] ?? 0),
    0,
  );
  const mean = runs === 0 ? "" : `, mean run ${((metrics[`run_ms:${id}:sum`] ?? 0) / runs).toFixed(1)} ms`;
  return `; ${metrics[`attempts:${id}`] ?? 0} attempts${mean}`;
}

/** Per function the number of entries, the mean time, and upper bounds of the median and the 99th percentile. */
function processingLines({ metrics }: Status): string[] {
  const names = new Set(
    Object.keys(metrics).flatMap((field) => /^processing_ms:(.+):sum$/.exec(field)?.[1] ?? []),
  );
  return [...names].toSorted().map((name) => {
    const buckets = [...PROCESSING_MS_BOUNDS, "inf" as const].map(
      (bound) => [bound, metrics[processingField(name, bound)] ?? 0] as const,
    );
    const count = buckets.reduce((sum, [, entries]) => sum + entries, 0);
    const below = (share: number): string => {
      let seen = 0;
      const bound = buckets.find(([, entries]) => (seen += entries) >= share * count)?.[0] ?? "inf";
      return bound === "inf" ? `> ${PROCESSING_MS_BOUNDS.at(-1)} ms` : `≤ ${bound} ms`;
    };
    const mean = count === 0 ? 0 : (metrics[processingField(name, "sum")] ?? 0) / count;
    return `${name.padEnd(24)}${String(count).padStart(9)} entries, mean ${mean.toFixed(1)} ms, median ${below(0.5)}, p99 ${below(0.99)}`;
  });
}
