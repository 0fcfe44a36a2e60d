import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { referenceEditsFor } from "../../bindings/reference-edits.ts";
import type { HttpDeps } from "../http-deps.ts";
import { newRoutes } from "../routes.ts";
import { asProblem } from "./answer.ts";
import { changeRoutes } from "./changes.ts";
import { makeCurrentOn } from "./currency.ts";
import { documentRoutes } from "./document.ts";
import type { EditDeps } from "./edit-deps.ts";
import { previewRoutes } from "./preview.ts";
import { rowRoutes } from "./rows.ts";

/** This room edits the reference: as a whole document, row by row, and back to what it was. */
export function referenceEditRoutes(deps: HttpDeps) {
  const { services } = deps;
  const edits = editRoutesOver({ edits: referenceEditsFor(services), makeCurrent: makeCurrentOn(services) });
  // Before the rows, whose kind could be anything.
  return newRoutes().route("/", previewRoutes(deps)).route("/", edits);
}

export function editRoutesOver({ edits, makeCurrent }: EditDeps) {
  const deps = { edits: withProblems(edits), makeCurrent };
  return newRoutes()
    .route("/", documentRoutes(deps))
    .route("/", changeRoutes(deps))
    .route("/", rowRoutes(deps));
}

function withProblems(edits: ReferenceEdits): ReferenceEdits {
  return {
    read: async () => edits.read().catch(asProblem),
    apply: async (edit) => edits.apply(edit).catch(asProblem),
    history: async (page) => edits.history(page).catch(asProblem),
    change: async (id, since) => edits.change(id, since).catch(asProblem),
    rollback: async (id, options) => edits.rollback(id, options).catch(asProblem),
  };
}
