import { markedAddresses } from "../../../functions/strategies/marked-addresses.ts";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import type { DocumentStrategy, ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { hidden } from "../../../shared/reference-document/shown-params.ts";

/** The document as lists and the history show it: of addresses in params only the host, since a path may be a secret. */
export function shownDocument(document: ReferenceDocument): ReferenceDocument {
  return { ...document, strategies: document.strategies.map(shownStrategy) };
}

function shownStrategy(strategy: DocumentStrategy): DocumentStrategy {
  const marked = new Set(markedAddresses(strategy, HANDLERS));
  return { ...strategy, params: hidden(strategy.params, marked) as DocumentStrategy["params"] };
}
