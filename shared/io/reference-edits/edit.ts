import type { DocumentKind } from "../../reference-document/document-fields.ts";
import type { DocumentFault, ReferenceDocument } from "../../reference-document/document.ts";
import type { PlanOptions } from "../../reference-document/plan-edit.ts";
import type { StrategyUse } from "../../reference-document/removals.ts";

/** What an edit of the reference is asked with, and what it answers. */

export interface EditOptions {
  readonly by: string;
  readonly reason: string | null;
  /** Only answers what would change. */
  readonly dryRun: boolean;
  /** What trades more, and what is removed, was agreed to. */
  readonly agreed: boolean;
  /** The rows that the edit was made on; with others it is a conflict. */
  readonly ifMatch?: string | undefined;
}

export interface Edit extends EditOptions {
  readonly document: ReferenceDocument;
  /** Whether rows that the document lacks are removed. */
  readonly prune: boolean;
  readonly kind: "apply" | "edit";
  /** Rows that are removed without `prune`. */
  readonly removes?: readonly { readonly kind: DocumentKind; readonly name: string }[];
}

export type EditAnswer =
  | {
      readonly status: "done" | "unchanged" | "previewed";
      /** Row of `reference_changes`; null unless something was changed. */
      readonly changeId: number | null;
      /** Of the snapshot after it. */
      readonly version: string;
      /** Of the rows as they are then. */
      readonly etag: string;
      readonly summary: EditSummary;
    }
  | { readonly status: "refused"; readonly faults: readonly DocumentFault[]; readonly summary?: EditSummary }
  | { readonly status: "to_agree"; readonly summary: EditSummary }
  /** The rows are others than those of `ifMatch`; the summary says what the edit would change in them. */
  | { readonly status: "conflict"; readonly etag: string; readonly summary: EditSummary }
  | { readonly status: "not_own"; readonly message: string };

export interface EditSummary {
  readonly willTradeMore: readonly string[];
  readonly willRemove: readonly string[];
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

/** What is known only outside the database. */
export interface EditPorts extends Pick<PlanOptions, "unusable" | "addressesIn"> {
  /** What removing these strategies would break, outside the database. */
  readonly useOf: (ids: readonly number[]) => Promise<ReadonlyMap<number, StrategyUse>>;
}
