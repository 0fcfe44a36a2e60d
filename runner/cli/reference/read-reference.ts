import { DOCUMENT_KINDS, type DocumentKind } from "../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { wholeDocument } from "../../../shared/reference-document/format-document.ts";
import { documentSchema } from "../../http/reference/schemas.ts";
import { CliError } from "../connection.ts";
import { problemError, type RouterRoutes } from "../router-routes.ts";

export const DOCUMENT_PATH = "/reference/document";

/** The reference, and the ETag of its rows, for an edit of what was read. @throws CliError */
export async function readReference(router: RouterRoutes): Promise<ReadReference> {
  const response = await router.fetch({ path: DOCUMENT_PATH });
  if (!response.ok) throw await problemError(response);
  const written = documentSchema.parse(await response.json());
  const kinds = DOCUMENT_KINDS.filter((kind) => written[kind] !== undefined);
  return { document: wholeDocument(written), kinds, etag: response.headers.get("etag") ?? "*" };
}

export interface ReadReference {
  readonly document: ReferenceDocument;
  /** Without those that are another system's. */
  readonly kinds: readonly DocumentKind[];
  readonly etag: string;
}

/** The reference as a text to edit. @throws CliError */
export async function readReferenceText(router: RouterRoutes, format: "yaml" | "json"): Promise<string> {
  const response = await router.fetch({ path: DOCUMENT_PATH, headers: { accept: `application/${format}` } });
  if (!response.ok) throw await problemError(response);
  return response.text();
}

/** @throws CliError for a kind that is another system's */
export function refuseForeign({ kinds }: Pick<ReadReference, "kinds">, kind: DocumentKind): void {
  if (!kinds.includes(kind))
    throw new CliError(
      `the ${kind} are another system's: look at them and change them there. Here there are ${kinds.join(" and ")}`,
    );
}
