import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { wholeDocument } from "../../../shared/reference-document/format-document.ts";
import { documentSchema } from "../../http/reference/schemas.ts";
import { problemError, type RouterRoutes } from "../router-routes.ts";

export const DOCUMENT_PATH = "/reference/document";

/** The reference, and the ETag of its rows, for an edit of what was read. @throws CliError */
export async function readReference(router: RouterRoutes): Promise<ReadReference> {
  const response = await router.fetch({ path: DOCUMENT_PATH });
  if (!response.ok) throw await problemError(response);
  const document = wholeDocument(documentSchema.parse(await response.json()));
  return { document, etag: response.headers.get("etag") ?? "*" };
}

export interface ReadReference {
  readonly document: ReferenceDocument;
  readonly etag: string;
}

/** The reference as a text to edit. @throws CliError */
export async function readReferenceText(router: RouterRoutes, format: "yaml" | "json"): Promise<string> {
  const response = await router.fetch({ path: DOCUMENT_PATH, headers: { accept: `application/${format}` } });
  if (!response.ok) throw await problemError(response);
  return response.text();
}
