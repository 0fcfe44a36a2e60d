import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { hidden } from "../../../shared/reference-document/shown-params.ts";

/** The document as lists and the history show it: of addresses in params only the host, since a path may be a secret. */
export function shownDocument(document: ReferenceDocument): ReferenceDocument {
  return {
    ...document,
    strategies: document.strategies.map((strategy) => ({
      ...strategy,
      params: hidden(strategy.params) as ReferenceDocument["strategies"][number]["params"],
    })),
  };
}
