import { prepareReplay, type ReplaySummary } from "../../../runner/replay/replay.ts";
import type { ReplayedSignal } from "../../../runner/replay/replayed-signal.ts";
import type { ReplayDeps, ReplayOptions, ReplayRequest } from "../../../runner/replay/request.ts";
import { openServices, type Services } from "../../../runner/setup/services.ts";
import { readConfig } from "../../../shared/config/config.ts";
import { saveReferenceVersion } from "../../../shared/io/reference/reference-source.ts";
import { buildReference, contentJson } from "../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { contentsOf } from "../../servers/redis-contents.ts";
import type { HttpFixture } from "../http/http-fixture.ts";

/** Everything that can be in a stream. */
export const ALL = { kind: "range", from: "0-1", to: `${2n ** 64n - 1n}-${2n ** 64n - 1n}` } as const;

export interface Replayed {
  readonly replay: ReplaySummary;
  readonly signals: readonly ReplayedSignal[];
  readonly failure: Error | undefined;
}

/** Replays to the end; by default a dry run of everything on the current snapshot. */
export async function replay(
  deps: ReplayDeps,
  request: Partial<ReplayRequest> = {},
  options: ReplayOptions = {},
): Promise<Replayed> {
  const whole = {
    selection: ALL,
    mode: "dry-run",
    snapshot: "current",
    by: null,
    reason: null,
    dryRun: false,
    strategies: null,
    invocation: null,
    ...request,
  } as const;
  const prepared = await prepareReplay(whole, deps, options);
  const signals: ReplayedSignal[] = [];
  for await (const batch of prepared.run()) signals.push(...batch);
  return { replay: prepared.summary(), signals, failure: prepared.failure() };
}

/** Makes a reference current, and keeps its version, without tables of its own. */
export async function publishReference(services: Services, rows: ReferenceRows): Promise<string> {
  const { version, content, faults } = buildReference(rows);
  const { database, referenceStore: store } = services;
  await saveReferenceVersion(database, version, contentJson(content), new Date());
  await store.publish({ ticket: await store.takeTicket(), version, content, faults, now: Date.now() });
  services.routing.invalidate();
  return version;
}

/** Services on another prefix of the same servers. */
export function servicesBeside(
  services: Services,
  settings: Readonly<Record<string, string>> = {},
  keyPrefix = freshPrefix(),
): Services {
  const answer = readConfig({ KEY_PREFIX: keyPrefix, ...settings });
  if (!answer.ok) throw new Error(answer.message);
  return openServices({ ...services, config: answer.config });
}

/** Every key of the prefix and every row of the database, down to the versions of rows. */
export async function everything(http: HttpFixture): Promise<Record<string, unknown>> {
  const { redis, keys } = http.services;
  const tables = await http.sql(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  const rows: Record<string, unknown> = {};
  for (const { name } of tables) {
    const [content] = await http.sql(
      `SELECT count(*) AS rows, md5(string_agg(xmin::text || ctid::text || t::text, '|' ORDER BY ctid)) AS hash FROM ${String(name)} t`,
    );
    rows[String(name)] = content;
  }
  return { redis: await contentsOf(redis, keys.prefix), rows };
}
