import { redactUrl } from "../../../shared/config/redact-url.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";

/**
 * The document as lists and differences show it: of addresses in params only the host, since a path may be a secret. What a
 * handler marks as an address is one; other texts that look like one are taken as such, also for unknown handlers.
 */
export function shownDocument(document: ReferenceDocument): ReferenceDocument {
  return {
    ...document,
    strategies: document.strategies.map((strategy) => ({
      ...strategy,
      params: shownObject(strategy.params),
    })),
  };
}

function shownObject(params: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(params).map(([key, value]: [string, unknown]) => [key, shownValue(value)]),
  );
}

/** A value out of params. */
export function shownValue(value: unknown): unknown {
  if (typeof value === "string") return value.includes("://") ? redactUrl(value.trim()) : value;
  if (Array.isArray(value)) return value.map(shownValue);
  return typeof value === "object" && value !== null ? shownObject(value) : value;
}
