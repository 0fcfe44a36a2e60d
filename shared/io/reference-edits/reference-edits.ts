import { changeLines } from "../../reference-document/change-lines.ts";
import { documentOf } from "../../reference-document/document-of-rows.ts";
import type { ReferenceDocument } from "../../reference-document/document.ts";
import { NO_ROWS, type StoredRows } from "../../reference-document/stored-rows.ts";
import type { RowIds } from "../../reference-document/wanted-rows.ts";
import { buildReference } from "../../reference/build-reference.ts";
import type { Database } from "../postgres/database.ts";
import { applyEdit } from "./apply-edit.ts";
import { readChange, readChanges, readStored, type Change } from "./changes.ts";
import type { Edit, EditAnswer, EditOptions, EditPorts } from "./edit.ts";
import { notOwnText, ReferenceNotOwnError } from "./not-own.ts";

/**
 * This room changes the router's own reference: one edit is one transaction, with everything it has to be asked and checked, and
 * one row of the history. All but `apply` throw ReferenceNotOwnError where it is another system's, and all may throw DatabaseError.
 */
export interface ReferenceEdits {
  read(): Promise<ReadDocument>;
  apply(edit: Edit): Promise<EditAnswer>;
  /** The newest first, those before the id `before`. */
  history(page: {
    readonly countMax: number;
    readonly before?: number | undefined;
  }): Promise<readonly Change[]>;
  /** One change, with what differs since another one, by default the one before it. */
  change(id: number, since?: number): Promise<ShownChange | "no_change" | "no_since">;
  /** Makes the rows what they were after a change; undefined when there is none of this id. */
  rollback(id: number, options: EditOptions): Promise<EditAnswer | undefined>;
}

export interface ShownChange {
  readonly change: Change;
  /** What the document can express of the rows after it. */
  readonly document: ReferenceDocument;
  /** What it has changed, or what differs since the other change, as lines for people. */
  readonly changes: readonly string[];
}

export interface ReadDocument {
  readonly document: ReferenceDocument;
  readonly etag: string;
  /** Of the snapshot that is made of the rows. */
  readonly version: string;
  /** A line for each row that no document can express. */
  readonly unreadable: readonly string[];
}

export function referenceEditsOn(db: Database, ports: EditPorts): ReferenceEdits {
  /** @throws ReferenceNotOwnError */
  async function refuseOthers(): Promise<void> {
    const message = await notOwnText(db);
    if (message !== undefined) throw new ReferenceNotOwnError(message);
  }
  return {
    async read() {
      await refuseOthers();
      const stored = await readStored(db.query, db);
      const { version } = buildReference(stored.rows);
      return { ...documentOf(stored), etag: stored.etag, version };
    },
    apply: async ({ document, prune, removes = [], ...options }) =>
      applyEdit(db, ports, { ...options, wanted: { document, prune, removes, notes: [] } }),
    async history(page) {
      await refuseOthers();
      return readChanges(db, page);
    },
    async change(id, since) {
      await refuseOthers();
      const found = await readChange(db.query, db, id);
      if (found === undefined) return "no_change";
      const [last] = since === undefined ? await readChanges(db, { countMax: 1, before: id }) : [];
      const sinceId = since ?? last?.id;
      const before = sinceId === undefined ? undefined : await readChange(db.query, db, sinceId);
      if (since !== undefined && before === undefined) return "no_since";
      const changes = changeLines(before?.stored.rows ?? NO_ROWS, found.stored.rows, ports);
      return { change: found.change, document: documentOf(found.stored).document, changes };
    },
    async rollback(id, options) {
      await refuseOthers();
      const found = await readChange(db.query, db, id);
      if (found === undefined) return undefined;
      const { document, unreadable } = documentOf(found.stored);
      const notes = unreadable.map((line) => `change ${id} has a row that is not made again: ${line}`);
      const wanted = { document, prune: true, removes: [], ids: idsOf(found.stored.rows), notes };
      return applyEdit(db, ports, { ...options, kind: "rollback", wanted });
    },
  };
}

function idsOf({ signals, strategies }: StoredRows): RowIds {
  return {
    signals: new Map(signals.map(({ id, name }) => [name, id])),
    strategies: new Map(strategies.map(({ id, name }) => [name, id])),
  };
}
