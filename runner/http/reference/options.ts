import type { EditOptions } from "../../../shared/io/reference-edits/edit.ts";
import type { EditQuery } from "./schemas.ts";

/** How an edit is asked for, from a query. */
export function optionsIn({ by = "http", reason, dryRun, agree }: EditQuery): EditOptions {
  return { by, reason: reason ?? null, dryRun: dryRun === "true", agreed: agree === "true" };
}
