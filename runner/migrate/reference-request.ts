import { messageOf } from "../../shared/error-message.ts";
import type { Migration } from "../../shared/io/postgres/database.ts";
import { MigrationRefusedError, refuseTakenNames } from "../../shared/io/postgres/migration-history.ts";
import {
  dropViews,
  moveOwnAside,
  putOwnBack,
  refuseOwnInPlace,
} from "../../shared/io/postgres/own-tables.ts";
import type { NameTable } from "../../shared/io/postgres/table-names.ts";
import { viewsStatement } from "../../shared/io/reference-mapping/mapping.ts";
import { readReferenceRows } from "../../shared/io/reference/reference-source.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import { compareReferences } from "../../shared/reference/compare-references.ts";
import { isSameOrigin, originText, type ReferenceOrigin } from "../../shared/reference/reference-kind.ts";
import { REFERENCE_TABLES, type ReferenceContent } from "../../shared/reference/reference.ts";

/** The steps of a migration after which the reference is whose it was asked to be. */

export interface ReferenceRequest {
  readonly origin: ReferenceOrigin;
  /** Whether the reference may be another one than before. */
  readonly isSwitch: boolean;
}

/** What the steps have done, for people. */
export interface ReferenceChange {
  readonly applied: readonly string[];
  /** What would be traded differently; undefined when the reference is new, or was the same before. */
  readonly differences?: readonly string[];
}

/** @throws MigrationRefusedError, DatabaseError naming table and column that cannot be read */
export async function changeReference(
  migration: Migration,
  { origin, isSwitch }: ReferenceRequest,
  table: NameTable,
): Promise<ReferenceChange> {
  const { stored, query, apply } = migration;
  if (stored !== undefined && !isSameOrigin(stored, origin) && !isSwitch)
    throw new MigrationRefusedError(
      `the reference is ${originText(stored)}. To make it ${originText(origin)}, add --switch: what would be traded differently is shown first`,
    );
  const before = stored === undefined ? undefined : await contentBefore(migration, table);
  await leave(migration, origin);
  await enter(migration, origin);
  const applied = await apply(origin);
  const after = contentOf(await readReferenceRows(query, table));
  if (stored === undefined || isSameOrigin(stored, origin)) return { applied };
  const differences =
    typeof before === "object"
      ? compareReferences(before, after)
      : [`what was traded before cannot be compared: ${before}`];
  return { applied, differences };
}

/** Why it cannot be read as it is, if it cannot: that must not stop the change to one that can. */
async function contentBefore(
  { query, run }: Migration,
  table: NameTable,
): Promise<ReferenceContent | string> {
  await run("SAVEPOINT reference_before");
  try {
    return contentOf(await readReferenceRows(query, table, { beforeMigration: true }));
  } catch (error) {
    await run("ROLLBACK TO SAVEPOINT reference_before");
    return messageOf(error);
  }
}

function contentOf(rows: Parameters<typeof buildReference>[0]): ReferenceContent {
  return buildReference(rows).content;
}

/** Makes room under the five names. */
async function leave(migration: Migration, next: ReferenceOrigin): Promise<void> {
  switch (migration.stored?.kind) {
    case "own":
      if (next.kind === "none") await refuseOwnInPlace(migration);
      else if (next.kind !== "own") await moveOwnAside(migration);
      return;
    case "v4":
    case "v2":
      await dropViews(migration);
      return;
    case "none":
    case undefined:
      return;
  }
}

/** Puts the next reference under the five names; the own tables of a database without any are made by its migrations. */
async function enter(migration: Migration, { kind, source = "" }: ReferenceOrigin): Promise<void> {
  const { stored, query, run } = migration;
  switch (kind) {
    case "own":
      if (stored !== undefined && stored.kind !== "own") await putOwnBack(migration);
      return;
    case "v4":
    case "v2":
      await refuseTakenNames(query, REFERENCE_TABLES);
      await run(await viewsStatement(query, { system: kind, source }));
      return;
    case "none":
      return;
  }
}
