import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import type { MakeCurrent } from "./currency.ts";

/** What the routes of edits work with. */
export interface EditDeps {
  readonly edits: ReferenceEdits;
  readonly makeCurrent: MakeCurrent;
}
