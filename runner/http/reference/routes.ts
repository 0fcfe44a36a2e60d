import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { LOCK_NOT_AVAILABLE } from "../../../shared/io/reference-edits/edit-lock.ts";
import { ReferenceNotOwnError } from "../../../shared/io/reference-edits/not-own.ts";
import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { referenceEditsFor } from "../../bindings/reference-edits.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { newRoutes } from "../routes.ts";
import { changeRoutes } from "./changes.ts";
import { makeCurrentOn } from "./currency.ts";
import { documentRoutes } from "./document.ts";
import type { EditDeps } from "./edit-deps.ts";
import { rowRoutes } from "./rows.ts";

/** This room edits the reference: as a whole document, row by row, and back to what it was. */
export function referenceEditRoutes({ services }: HttpDeps) {
  return editRoutesOver({ edits: referenceEditsFor(services), makeCurrent: makeCurrentOn(services) });
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

function asProblem(error: unknown): never {
  if (error instanceof ReferenceNotOwnError)
    throw new Problem({ status: 409, code: "reference_not_own", detail: error.message });
  if (error instanceof DatabaseError && error.sqlstate === LOCK_NOT_AVAILABLE)
    throw new Problem({ status: 503, code: "unavailable", detail: error.message, hint: "then try again" });
  throw error;
}
