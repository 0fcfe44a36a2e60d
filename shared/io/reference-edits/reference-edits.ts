import type { DocumentFault, ReferenceDocument } from "../../reference-document/document.ts";
import type { AnyStrategyHandler } from "../../strategy.ts";
import type { Database } from "../postgres/database.ts";

/** This room changes the reference in Postgres, each change in one transaction, and keeps the history of changes. */
export interface ReferenceEdits {
  /** The reference as it is, and the ETag of its rows. */
  read(): Promise<{ readonly document: ReferenceDocument; readonly etag: string }>;
  apply(edit: Edit): Promise<EditAnswer>;
  /** The newest first. */
  history(page: { readonly countMax: number; readonly before?: number }): Promise<readonly Change[]>;
  change(id: number): Promise<{ readonly change: Change; readonly document: ReferenceDocument } | undefined>;
  rollback(id: number, options: EditOptions): Promise<EditAnswer>;
}

export interface EditOptions {
  readonly by: string;
  readonly reason: string | null;
  readonly dryRun: boolean;
  /** What trades more was agreed to. */
  readonly agreed: boolean;
  readonly ifMatch?: string;
}

export interface Edit extends EditOptions {
  readonly document: ReferenceDocument;
  /** Rows that the document does not have are removed. */
  readonly prune: boolean;
  readonly kind: "apply" | "edit";
}

export type EditAnswer =
  | {
      readonly status: "done" | "unchanged" | "previewed";
      readonly changeId: number | null;
      readonly version: string;
      readonly summary: EditSummary;
    }
  | {
      readonly status: "refused";
      readonly faults: readonly DocumentFault[];
      readonly summary?: EditSummary;
    }
  /** It would trade more, and that was not agreed to. */
  | { readonly status: "to_agree"; readonly summary: EditSummary }
  /** Another change was faster. */
  | { readonly status: "conflict"; readonly etag: string; readonly summary: EditSummary }
  | { readonly status: "not_own"; readonly message: string };

/** Lines for people, names beside ids. */
export interface EditSummary {
  readonly willTradeMore: readonly string[];
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

export interface Change {
  readonly id: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string | null;
  readonly kind: "apply" | "edit" | "rollback" | "seen";
  readonly versionBefore: string | null;
  readonly versionAfter: string;
}

export interface EditPorts {
  readonly handlers: readonly AnyStrategyHandler[];
}

export function referenceEditsOn(_db: Database, _ports: EditPorts): ReferenceEdits {
  throw new Error("changes of the reference are not there yet");
}
