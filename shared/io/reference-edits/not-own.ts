import { originText } from "../../reference/reference-kind.ts";
import type { Database } from "../postgres/database.ts";
import { readReferenceOrigin } from "../postgres/migration-history.ts";

/** Why the reference cannot be edited here; undefined when it can. */
export async function notOwnText(db: Pick<Database, "query" | "schema">): Promise<string | undefined> {
  const origin = await readReferenceOrigin(db);
  if (origin?.kind === "own") return undefined;
  if (origin === undefined)
    return "the database has no tables of the router yet: run `npm run migrate`, and try again";
  return `the reference is not the router's own but ${originText(origin)}: change it in the system it belongs to, or make it the router's own with \`npm run migrate -- --reference own --switch\``;
}

/** The tables are another system's, so nothing here reads or writes them. */
export class ReferenceNotOwnError extends Error {
  override readonly name = "ReferenceNotOwnError";
}
