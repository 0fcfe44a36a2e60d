import type { DocumentFault, ReferenceDocument } from "../../reference-document/document.ts";
import { buildReference, type BuiltReference } from "../../reference/build-reference.ts";
import type { Database } from "../postgres/database.ts";
import { planOn } from "./apply-edit.ts";
import { readStored } from "./changes.ts";
import { notOwnText, ReferenceNotOwnError } from "./not-own.ts";

/** The reference as it is, and as an edit would make it. */
export interface Draft {
  readonly is: BuiltReference;
  readonly draft: BuiltReference;
  /** The edit is refused while there is one. */
  readonly faults: readonly DocumentFault[];
}

export interface DraftEdit {
  readonly document: ReferenceDocument;
  /** Whether rows that the document lacks are removed. */
  readonly prune: boolean;
}

/**
 * Builds the draft in memory: nothing is written, locked or taken from a sequence.
 * @throws ReferenceNotOwnError, DatabaseError
 */
export async function readDraft(db: Database, { document, prune }: DraftEdit): Promise<Draft> {
  const message = await notOwnText(db);
  if (message !== undefined) throw new ReferenceNotOwnError(message);
  const stored = await readStored(db.query, db);
  const wanted = { document, prune, removes: [], notes: [] };
  const plan = await planOn({ query: db.query, db, ports: {} }, stored, { wanted });
  return { is: buildReference(stored.rows), draft: buildReference(plan.rows), faults: plan.faults };
}
