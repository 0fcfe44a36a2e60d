import { changeLines } from "../../reference-document/change-lines.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../../reference-document/document-fields.ts";
import { documentOf } from "../../reference-document/document-of-rows.ts";
import type { ReferenceDocument } from "../../reference-document/document.ts";
import { symbolsOf } from "../../reference-document/plan-edit.ts";
import { NO_ROWS, type ReadStoredRows, type StoredRows } from "../../reference-document/stored-rows.ts";
import type { RowIds } from "../../reference-document/wanted-options.ts";
import type { Database } from "../postgres/database.ts";
import { applyEdit } from "./apply-edit.ts";
import { builtOf, readChange, readChanges, readStored, type Change } from "./changes.ts";
import type { Edit, EditAnswer, EditOptions, EditPorts } from "./edit.ts";
import { readOwner, ReferenceNotOwnError, ROUTER_KINDS, type ReferenceOwner } from "./not-own.ts";

/**
 * This room changes the router's own reference: one edit is one transaction, with everything it has to be asked and checked, and
 * one row of the history. Where the reference is another system's, only aliases and sources are edited and read here. Without tables
 * all but `apply` throw ReferenceNotOwnError; all may throw DatabaseError.
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
  /** The kinds that the document speaks of. */
  readonly kinds: readonly DocumentKind[];
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
  /** The kinds that can be edited. */
  readonly kinds: readonly DocumentKind[];
  /** Why the other kinds cannot be edited, where they are another system's. */
  readonly notOwn?: string;
}

export function referenceEditsOn(db: Database, ports: EditPorts): ReferenceEdits {
  /** @throws ReferenceNotOwnError */
  async function ownerWithTables(): Promise<Exclude<ReferenceOwner, { readonly kind: "none" }>> {
    const owner = await readOwner(db);
    if (owner.kind === "none") throw new ReferenceNotOwnError(owner.message);
    return owner;
  }
  return {
    async read() {
      const owner = await ownerWithTables();
      const stored = await readStored(db.query, db, { isForeign: owner.kind === "foreign" });
      const { etag, foreign } = stored;
      const { version } = builtOf(stored);
      const read = { ...documentOf(stored, foreign && symbolsOf(foreign)), etag, version };
      return owner.kind === "own"
        ? { ...read, kinds: DOCUMENT_KINDS }
        : { ...read, kinds: ROUTER_KINDS, notOwn: owner.message };
    },
    apply: async ({ document, prune, removes = [], ...options }) =>
      applyEdit(db, ports, { ...options, wanted: { document, prune, removes, notes: [] } }),
    async history(page) {
      await ownerWithTables();
      return readChanges(db, page);
    },
    async change(id, since) {
      await ownerWithTables();
      const found = await readChange(db.query, db, id);
      if (found === undefined) return "no_change";
      const [last] = since === undefined ? await readChanges(db, { countMax: 1, before: id }) : [];
      const sinceId = since ?? last?.id;
      const before = sinceId === undefined ? undefined : await readChange(db.query, db, sinceId);
      if (since !== undefined && before === undefined) return "no_since";
      const [was, is] = comparable(before?.stored, found.stored);
      return {
        change: found.change,
        document: documentOfChange(found.stored).document,
        kinds: found.stored.isForeign === true ? ROUTER_KINDS : DOCUMENT_KINDS,
        changes: changeLines(was, is, ports),
      };
    },
    async rollback(id, options) {
      const owner = await ownerWithTables();
      const found = await readChange(db.query, db, id);
      if (found === undefined) return undefined;
      const { document, unreadable } = documentOfChange(found.stored);
      const notes = unreadable.map((line) => `change ${id} has a row that is not made again: ${line}`);
      const wanted = { prune: true, removes: [], ids: idsOf(found.stored.rows) };
      if (owner.kind === "own") {
        const edit = {
          ...wanted,
          document,
          notes: found.stored.isForeign === true ? [...notes, WAS_FOREIGN] : notes,
        };
        return applyEdit(db, ports, { ...options, kind: "rollback", wanted: edit });
      }
      const edit = { ...wanted, document: { ...document, ...NO_OTHERS }, notes: [...notes, ONLY_OWN] };
      return applyEdit(db, ports, { ...options, kind: "rollback", wanted: edit });
    },
  };
}

const NO_OTHERS = { tickers: [], signals: [], strategies: [] };
const ONLY_OWN = "only aliases and sources are made what they were: the rest is another system's";
const WAS_FOREIGN = "only aliases and sources are made what they were: the rest was another system's then";

/** Of the time when the tickers were another system's it is not known which ones there were. */
function documentOfChange(stored: ReadStoredRows) {
  const named = stored.rows.ticker_aliases.map(({ symbol }) => symbol);
  return documentOf(stored, stored.isForeign === true ? named : undefined);
}

/** Two states with what both have rows of: what was another system's in one of them says nothing. */
function comparable(
  before: ReadStoredRows | undefined,
  after: ReadStoredRows,
): readonly [was: StoredRows, is: StoredRows] {
  const rowsOf = ({ ticker_aliases, webhook_sources }: StoredRows): StoredRows => ({
    ...NO_ROWS,
    ticker_aliases,
    webhook_sources,
  });
  const was = before?.rows ?? NO_ROWS;
  const isPart = before?.isForeign === true || after.isForeign === true;
  return isPart ? [rowsOf(was), rowsOf(after.rows)] : [was, after.rows];
}

function idsOf({ signals, strategies }: StoredRows): RowIds {
  return {
    signals: new Map(signals.map(({ id, name }) => [name, id])),
    strategies: new Map(strategies.map(({ id, name }) => [name, id])),
  };
}
