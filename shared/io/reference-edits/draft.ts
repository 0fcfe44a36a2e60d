import type { DocumentFault, ReferenceDocument } from "../../reference-document/document.ts";
import type { BuiltReference } from "../../reference/build-reference.ts";
import type { Database } from "../postgres/database.ts";
import { planOn } from "./apply-edit.ts";
import { builtOf, readStored } from "./changes.ts";
import { ownerRefusal, readOwner, ReferenceNotOwnError } from "./not-own.ts";

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
  const owner = await readOwner(db);
  const message = ownerRefusal(owner, { document });
  if (message !== undefined) throw new ReferenceNotOwnError(message);
  const stored = await readStored(db.query, db, { isForeign: owner.kind === "foreign" });
  const wanted = { document, prune, removes: [], notes: [] };
  const plan = await planOn({ query: db.query, db, ports: {} }, stored, { wanted });
  const draft = builtOf({ ...stored, rows: plan.rows });
  return { is: builtOf(stored), draft, faults: plan.faults };
}
