import { Problem } from "../problem.ts";

/** The hash in an If-Match header; undefined for `*`, and without one. @throws Problem when it is no ETag of a document */
export function ifMatchIn(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const [, hash] = /^\s*(?:W\/)?"?([0-9a-f]{32})"?\s*$/.exec(header) ?? [];
  if (hash !== undefined) return hash;
  const detail = "If-Match is no ETag of a document: expected the one of GET /reference/document, or *";
  throw new Problem({ status: 422, code: "invalid_request", detail });
}

/** The same where one has to say what an edit was made on. @throws Problem without the header */
export function requiredIfMatch(header: string | undefined): string | undefined {
  if (header !== undefined) return ifMatchIn(header);
  const detail =
    "If-Match is missing: the whole reference is replaced, perhaps with changes that you have not seen";
  const hint = "send the ETag of GET /reference/document as If-Match, or * to replace it whatever it is";
  throw new Problem({ status: 428, code: "precondition_required", detail, hint });
}
