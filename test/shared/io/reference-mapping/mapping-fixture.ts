import { afterAll, beforeAll } from "vitest";
import { processSignals } from "../../../../functions/process-signals.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { lazyDatabase } from "../../../../shared/io/postgres/lazy-database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { viewsStatement } from "../../../../shared/io/reference-mapping/mapping.ts";
import { readReferenceRows } from "../../../../shared/io/reference/reference-source.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import { snapshotOf, type Snapshot } from "../../../../shared/reference/snapshot.ts";
import { contextFrom, effectsOf, entryFrom, recordIn, signalFields } from "../../../builders.ts";
import { loadOldSystem } from "../../../old-systems/load-old-system.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";

/** A database of an old system, with the mapping's views in a schema. */
export interface MappedDatabase {
  readonly db: Database;
  readonly url: () => string;
}

/** For the tests of the suite that calls this. */
export function useOldSystem(system: "v4" | "v2", schema: string): MappedDatabase {
  let fresh: FreshDatabase | undefined;
  const url = (): string => fresh?.url ?? "";
  const open = async (): Promise<Database> =>
    openDatabase({ url: url(), schema, dataDir: "/nowhere", onError: () => undefined });
  const db = lazyDatabase({ kind: "pg", schema }, open);
  beforeAll(async () => {
    fresh = await freshDatabase();
    await loadOldSystem(url(), system);
  });
  afterAll(async () => {
    await db.close();
    await fresh?.drop();
  });
  return { db, url };
}

/** Creates the views as migrations do. */
export async function makeViews(
  { db, url }: MappedDatabase,
  of: { readonly system: "v4" | "v2"; readonly schema: string },
): Promise<void> {
  const views = await db.readOnly((query) => viewsStatement(query, { system: of.system, source: "public" }));
  await sql(
    url(),
    `BEGIN; CREATE SCHEMA IF NOT EXISTS ${of.schema}; SET LOCAL search_path TO ${of.schema}; ${views} COMMIT;`,
  );
}

/** What the views give; the router's own tables were not made. */
export async function snapshotIn(db: Database): Promise<Snapshot> {
  const { version, content } = buildReference(
    await db.readOnly(async (query) => readReferenceRows(query, db.table, { beforeMigration: true })),
  );
  return snapshotOf(version, content);
}

/** The decision on a signal as one text: status, reason, ids of the strategies it is dispatched to. */
export function decisionOn(snapshot: Snapshot, message: string, symbol: string): string {
  const entry = entryFrom(signalFields({ message, symbol }));
  const { outcomes, status, reason } = recordIn(
    effectsOf(processSignals([entry], contextFrom({ snapshot }))[0]),
  );
  const ids = outcomes.filter((each) => each.status === "dispatched").map(({ strategy_id }) => strategy_id);
  return [status, ...(reason === null ? [] : [reason]), ...ids].join(" ");
}
