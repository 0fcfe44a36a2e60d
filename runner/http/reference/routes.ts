import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { referenceEditsFor } from "../../bindings/reference-edits.ts";
import type { HttpDeps } from "../http-deps.ts";
import { newRoutes } from "../routes.ts";
import { asProblem } from "./answer.ts";
import { changeRoutes } from "./changes.ts";
import { documentRoutes } from "./document.ts";
import { previewRoutes } from "./preview.ts";
import { rowRoutes } from "./rows.ts";

/** This room edits the reference: as a whole document, row by row, and back to what it was. */
export function referenceEditRoutes(deps: HttpDeps) {
  const edits = referenceEditsFor(deps.services);
  const asked: ReferenceEdits = {
    read: async () => edits.read().catch(asProblem),
    apply: async (edit) => edits.apply(edit),
    history: async (page) => edits.history(page).catch(asProblem),
    change: async (id) => edits.change(id).catch(asProblem),
    rollback: async (id, options) => edits.rollback(id, options).catch(asProblem),
  };
  return newRoutes()
    .route("/", documentRoutes(deps, asked))
    .route("/", previewRoutes(deps))
    .route("/", changeRoutes(deps, asked))
    .route("/", rowRoutes(deps, asked));
}
