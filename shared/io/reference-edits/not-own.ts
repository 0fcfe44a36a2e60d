import type { DocumentKind } from "../../reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../reference-document/document.ts";
import { originText } from "../../reference/reference-kind.ts";
import type { Database } from "../postgres/database.ts";
import { readReferenceOrigin } from "../postgres/migration-history.ts";

/** Whose reference a database has, as far as edits are concerned. */
export type ReferenceOwner =
  | { readonly kind: "own" }
  /** Only aliases and sources are the router's own; `message`: why the others cannot be edited. */
  | { readonly kind: "foreign"; readonly message: string }
  | { readonly kind: "none"; readonly message: string };

/** @throws DatabaseError */
export async function readOwner(db: Pick<Database, "query" | "schema">): Promise<ReferenceOwner> {
  const origin = await readReferenceOrigin(db);
  if (origin?.kind === "own") return { kind: "own" };
  if (origin === undefined)
    return {
      kind: "none",
      message: "the database has no tables of the router yet: run `npm run migrate`, and try again",
    };
  return {
    kind: "foreign",
    message: `the reference is not the router's own but ${originText(origin)}: only aliases and sources can be edited here. Change the rest in the system it belongs to, or make it the router's own with \`npm run migrate -- --reference own --switch\``,
  };
}

/** The kinds that can be edited where the others are another system's. */
export const ROUTER_KINDS = ["aliases", "sources"] as const satisfies readonly DocumentKind[];

interface WantedKinds {
  readonly document: ReferenceDocument;
  readonly removes?: readonly { readonly kind: DocumentKind }[] | undefined;
}

/** Why this cannot be edited here; undefined when it can. */
export function ownerRefusal(
  owner: ReferenceOwner,
  { document, removes = [] }: WantedKinds,
): string | undefined {
  if (owner.kind === "own") return undefined;
  const { tickers, signals, strategies } = document;
  const isOwnOnly =
    tickers.length + signals.length + strategies.length === 0 &&
    removes.every(({ kind }) => ROUTER_KINDS.some((one) => one === kind));
  return owner.kind === "foreign" && isOwnOnly ? undefined : owner.message;
}

/** The tables are another system's, so nothing here writes them. */
export class ReferenceNotOwnError extends Error {
  override readonly name = "ReferenceNotOwnError";
}
