import { createHash } from "node:crypto";
import type { ReferenceContent } from "./reference.ts";
import { faultsText, type RowFault } from "./row-faults.ts";

/**
 * The reference as the texts that Redis keeps, fields and values of each part. The version is the hash of exactly these, so what
 * was loaded is compared with its version without parsing it.
 */
export interface ReferenceText {
  readonly tickers: FieldTexts;
  readonly strategies: FieldTexts;
  readonly phrases: FieldTexts;
  /** What cannot be used in the rows, bounded in size; absent when everything can. */
  readonly faults?: string;
}

/** Field and JSON of its value. */
export type FieldTexts = readonly (readonly [field: string, json: string])[];

export function referenceText(
  { tickers, strategies, phrases }: ReferenceContent,
  faults: readonly RowFault[],
): ReferenceText {
  const texts = (part: ReadonlyMap<string | number, unknown>): FieldTexts =>
    [...part].map(([field, value]) => [String(field), canonicalJson(value)] as const);
  return {
    tickers: texts(tickers),
    strategies: texts(strategies),
    phrases: texts(phrases),
    ...(faults.length === 0 ? {} : { faults: faultsText(faults) }),
  };
}

/** 16 hex digits, whatever the order of fields. */
export function versionOf({ tickers, strategies, phrases, faults }: ReferenceText): string {
  const parts = [
    listText(tickers.toSorted(byText), (field) => JSON.stringify(field)),
    listText(
      strategies.toSorted(([a], [b]) => Number(a) - Number(b)),
      (id) => id,
    ),
    listText(phrases.toSorted(byText), (field) => JSON.stringify(field)),
    ...(faults === undefined ? [] : [faults]),
  ];
  return createHash("sha256").update(`[${parts.join()}]`).digest("hex").slice(0, 16);
}

/** The same text for the same value: Postgres' jsonb does not guarantee the order of keys in `params`. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(withSortedKeys(value));
}

function listText(fields: FieldTexts, fieldText: (field: string) => string): string {
  return `[${fields.map(([field, json]) => `[${fieldText(field)},${json}]`).join()}]`;
}

function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Not a replacer of JSON.stringify, which is slower. */
function withSortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withSortedKeys);
  const object: Readonly<Record<string, unknown>> = { ...value };
  const names = Object.keys(object).toSorted();
  return Object.fromEntries(names.map((name) => [name, withSortedKeys(object[name])]));
}
