import { editPrivileges, rightsFault } from "../../config/postgres-requirements.ts";
import type { ReferenceDocument } from "../../reference-document/document.ts";
import { planEdit, type EditPlan, type PlanOptions } from "../../reference-document/plan-edit.ts";
import { NO_USE, removalsOf, type RemovalFacts } from "../../reference-document/removals.ts";
import { isEmptyDiff } from "../../reference-document/table-diff.ts";
import { readDatabaseRights } from "../postgres/database-facts.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import {
  builtOf,
  changesSince,
  readStored,
  recordChange,
  recordSeen,
  type Change,
  type Stored,
} from "./changes.ts";
import { takeEditLock } from "./edit-lock.ts";
import type { EditAnswer, EditOptions, EditPorts, EditSummary } from "./edit.ts";
import { ownerRefusal, readOwner } from "./not-own.ts";
import { readNewIds } from "./row-ids.ts";
import type { RowsScope } from "./rows-json.ts";
import { writeRows } from "./write-rows.ts";

/** Longest wait for others who change the reference, ms. */
const WAIT_MS_MAX = 10_000;

export interface WantedEdit extends EditOptions {
  readonly kind: Change["kind"];
  readonly wanted: Pick<PlanOptions, "prune" | "removes" | "ids"> & {
    readonly document: ReferenceDocument;
    /** Added to the warnings. */
    readonly notes: readonly string[];
  };
}

/**
 * Checks an edit against the rows as they are and writes it, in one transaction that keeps all others who write out. A process
 * that is killed in it has changed nothing. @throws DatabaseError, and what the ports throw
 */
export async function applyEdit(db: Database, ports: EditPorts, edit: WantedEdit): Promise<EditAnswer> {
  const owner = await readOwner(db);
  const message = ownerRefusal(owner, edit.wanted);
  if (message !== undefined) return { status: "not_own", message };
  const scope = { isForeign: owner.kind === "foreign" };
  const fault = rightsFault(await readDatabaseRights(db, editPrivileges(scope)));
  if (fault !== undefined) return { status: "refused", faults: [{ path: "", message: fault }] };
  try {
    return await db.transaction(async (query) => {
      await takeEditLock(query, db, { waitMsMax: WAIT_MS_MAX, ...scope });
      // It may have become another system's while the lock was waited for.
      const now = await readOwner({ query, schema: db.schema });
      const changed = ownerRefusal(now, edit.wanted);
      if (changed !== undefined) return { status: "not_own", message: changed };
      if (now.kind !== owner.kind) throw new DatabaseError(SWITCHED, "unavailable", undefined);
      return applyLocked({ query, db, ports, scope }, edit);
    });
  } catch (error) {
    // What Postgres refuses although it was checked, such as by a constraint of the user's own.
    if (!(error instanceof DatabaseError) || error.kind !== "refused") throw error;
    return { status: "refused", faults: [{ path: "", message: error.message }] };
  }
}

const SWITCHED = "the reference has become the router's own, or another system's, in this moment";

interface Locked {
  readonly scope: RowsScope;
  readonly query: Database["query"];
  readonly db: Database;
  readonly ports: EditPorts;
}

async function applyLocked(context: Locked, edit: WantedEdit): Promise<EditAnswer> {
  const { query, db, scope } = context;
  const { wanted, dryRun, agreed, ifMatch, by, reason, kind } = edit;
  const stored = await readStored(query, db, scope);
  const { etag } = stored;
  const plan = await planOn(context, stored, edit);
  const removals = removalsOf(plan.removed, await removalFactsOf(context, plan));
  const summary: EditSummary = {
    willTradeMore: plan.willTradeMore,
    willRemove: removals.willRemove,
    changes: plan.changes,
    warnings: [...wanted.notes, ...plan.warnings],
  };
  if (ifMatch !== undefined && ifMatch !== etag) {
    const since = (await changesSince(query, db, ifMatch)).map(changeText);
    return { status: "conflict", etag, summary: { ...summary, warnings: [...since, ...summary.warnings] } };
  }
  const faults = [...plan.faults, ...removals.faults];
  if (faults.length > 0) return { status: "refused", faults, summary };
  if (isEmptyDiff(plan.diff))
    return { status: "unchanged", changeId: null, version: plan.version, etag, summary };
  if (dryRun) return { status: "previewed", changeId: null, version: plan.version, etag, summary };
  if (!agreed && plan.willTradeMore.length + removals.willRemove.length > 0)
    return { status: "to_agree", summary };

  await recordSeen(query, db, stored);
  await writeRows(query, db, plan.diff);
  const written = await readStored(query, db, scope);
  const { version } = builtOf(written);
  const changeId = await recordChange(query, db, { by, reason, kind, version, etag: written.etag, ...scope });
  return { status: "done", changeId: changeId ?? null, version, etag: written.etag, summary };
}

/** Plans an edit of these rows; reads only, and takes no id from a sequence. @throws DatabaseError */
export async function planOn(
  { query, db, ports }: Pick<Locked, "query" | "db"> & { readonly ports: Pick<EditPorts, "unusable"> },
  stored: Stored,
  { wanted }: Pick<WantedEdit, "wanted">,
): Promise<EditPlan> {
  const { document, notes: _, ...options } = wanted;
  const names = {
    signals: newNames(document.signals, stored.rows.signals),
    strategies: newNames(document.strategies, stored.rows.strategies),
  };
  const newIds = await readNewIds(query, db, names);
  const { unusable } = ports;
  const { foreign } = stored;
  return planEdit(stored, document, {
    ...options,
    ...(unusable === undefined ? {} : { unusable }),
    ...(foreign === undefined ? {} : { foreign }),
    newIds,
  });
}

function newNames(
  entries: readonly { readonly name: string }[],
  rows: readonly { readonly name: string }[],
): string[] {
  const known = new Set(rows.map(({ name }) => name));
  return entries.flatMap(({ name }) => (known.has(name) ? [] : [name]));
}

async function removalFactsOf(
  { query, db, ports }: Locked,
  { removed: { strategies } }: EditPlan,
): Promise<ReadonlyMap<number, RemovalFacts>> {
  const ids = strategies.map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const use = await ports.useOf(ids);
  const logged = await query<{ id: number }>(
    `SELECT id FROM unnest($1::int[]) AS removed (id)
     WHERE EXISTS (SELECT FROM ${db.table("signal_log_entries")} WHERE strategy_id = removed.id)`,
    [ids],
  );
  const hasHistory = new Set(logged.map(({ id }) => id));
  return new Map(
    ids.map((id) => [id, { ...NO_USE, ...use.get(id), hasHistory: hasHistory.has(id) }] as const),
  );
}

function changeText({ id, at, by, kind, reason }: Change): string {
  const why = reason === null ? "" : `: ${reason}`;
  return `changed meanwhile by ${by} at ${at} (change ${id}, ${kind}${why})`;
}
