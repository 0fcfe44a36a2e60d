import { createHash } from "node:crypto";
import type { ReferenceContent } from "./reference.ts";
import { faultsText, isNewFault, type RowFault } from "./row-faults.ts";

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
  /** The webhook sources as a list of names and sources; absent when there are none. */
  readonly sources?: string;
  /** Of the hashes in Redis. */
  readonly format: 2 | 3;
}

/** Field and JSON of its value. */
export type FieldTexts = readonly (readonly [field: string, json: string])[];

export function referenceText(content: ReferenceContent, faults: readonly RowFault[]): ReferenceText {
  const { tickers, strategies, phrases, sources } = content;
  const texts = (part: ReadonlyMap<string | number, unknown>): FieldTexts =>
    [...part].map(([field, value]) => [String(field), canonicalJson(value)] as const);
  return {
    tickers: texts(tickers),
    strategies: texts(strategies),
    phrases: texts(phrases),
    ...(faults.length === 0 ? {} : { faults: faultsText(faults) }),
    ...(sources.size === 0 ? {} : { sources: canonicalJson([...sources]) }),
    format: formatOf(content, faults),
  };
}

/**
 * 3 where routers that know only the second format would make something else of the same rows, and publish that in turn; they do
 * not publish over a higher format than their own. Where they would not, both publish the same.
 */
function formatOf(
  { tickers, strategies, phrases, sources }: ReferenceContent,
  faults: readonly RowFault[],
): ReferenceText["format"] {
  const isNew =
    sources.size > 0 ||
    [...tickers].some(
      ([symbol, { aliases, exchanges }]) =>
        aliases !== undefined || exchanges !== undefined || tickers.has(`${symbol}.P`),
    ) ||
    [...strategies.values()].some(
      ({ exits, exit_age_ms_max: ageMax }) => exits !== undefined || ageMax !== undefined,
    ) ||
    [...phrases.values()].some(({ direction }) => direction === "flat") ||
    faults.some(isNewFault);
  return isNew ? 3 : 2;
}

/** 16 hex digits, whatever the order of fields. */
export function versionOf(text: Omit<ReferenceText, "format">): string {
  const { tickers, strategies, phrases, faults, sources } = text;
  const parts = [
    listText(tickers.toSorted(byText), (field) => JSON.stringify(field)),
    listText(
      strategies.toSorted(([a], [b]) => Number(a) - Number(b)),
      (id) => id,
    ),
    listText(phrases.toSorted(byText), (field) => JSON.stringify(field)),
    // One is an object, the other a list.
    ...(faults === undefined ? [] : [faults]),
    ...(sources === undefined ? [] : [sources]),
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
  return compareTexts(a, b);
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sortedMap<Key extends string | number, Value>(
  entries: readonly (readonly [Key, Value])[],
): Map<Key, Value> {
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Not a replacer of JSON.stringify, which is slower. */
function withSortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withSortedKeys);
  const object: Readonly<Record<string, unknown>> = { ...value };
  const names = Object.keys(object).toSorted();
  return Object.fromEntries(names.map((name) => [name, withSortedKeys(object[name])]));
}
