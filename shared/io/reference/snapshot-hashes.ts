import * as z from "zod";
import type { ReferencePart } from "../../keys.ts";
import {
  canonicalJson,
  versionOf,
  type FieldTexts,
  type ReferenceText,
} from "../../reference/reference-text.ts";
import {
  metaSchema,
  phraseSchema,
  strategySchema,
  tickerSchema,
  type ReferenceContent,
  type ReferenceMeta,
} from "../../reference/reference.ts";
import { webhookSourceSchema } from "../../reference/webhook-source.ts";

/** How a version is written into its four hashes, and how they are read and compared with the version. */

/**
 * Number of the form of these hashes, which stands in `meta`. A router decides on a higher one as far as it can read it, so a
 * form that it would misread must fail its schemas; and it never publishes over a higher one.
 */
export const FORMAT = 3;
/** The lowest one whose texts are those that the version is the hash of; it is written where the content needs no higher one. */
const TEXTS_FORMAT = 2;

/** The hashes of a version as Redis has them, in the order of PARTS; a hash that is missing is empty. */
export interface SnapshotHashes {
  readonly tickers: Hash;
  readonly strategies: Hash;
  readonly strategy_signals: Hash;
  readonly meta: Hash;
}

type Hash = Readonly<Record<string, string>>;

export const PARTS = [
  "tickers",
  "strategies",
  "strategy_signals",
  "meta",
] as const satisfies readonly ReferencePart[];

/** The content of a version; or why it cannot be used, as a clause for people. */
export type ReadSnapshot =
  | { readonly ok: true; readonly content: ReferenceContent; readonly meta: ReferenceMeta }
  | { readonly ok: false; readonly why: string };

/** Reads the hashes of a version. What differs from the version is not used. */
export function readSnapshot(version: string, hashes: SnapshotHashes): ReadSnapshot {
  const damage = damageOf(version, hashes);
  if (damage !== undefined) return { ok: false, why: damage };
  try {
    return { ok: true, content: parseContent(hashes), meta: metaSchema.parse(hashes.meta) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return { ok: false, why: `has content that this router cannot read${formatText(hashes.meta)}` };
    throw error;
  }
}

/** Whether the hashes are what this router would write for the version. */
export function isWrittenAsNow(version: string, hashes: SnapshotHashes): boolean {
  const format = Number(hashes.meta["format"]);
  return format >= TEXTS_FORMAT && format <= FORMAT && damageOf(version, hashes) === undefined;
}

/** What differs from the version, as a clause for people; undefined when nothing does. */
export function damageOf(version: string, hashes: SnapshotHashes): string | undefined {
  const meta = metaSchema.safeParse(hashes.meta);
  if (!meta.success) {
    const isMissing = Object.keys(hashes.meta).length === 0;
    return isMissing ? "is incomplete: its meta is missing" : "has a meta that cannot be read";
  }
  const { format, tickers, strategies, strategy_signals: phrases } = meta.data;
  const counts = { tickers, strategies, strategy_signals: phrases };
  for (const part of ["tickers", "strategies", "strategy_signals"] as const) {
    const found = Object.keys(hashes[part]).length;
    if (found !== counts[part]) return `has ${found} ${part} instead of ${counts[part]}`;
  }
  if (format > FORMAT) return undefined;
  return hashVersion(hashes, format) === version
    ? undefined
    : "was altered: its content is not what was published";
}

/** The four hashes of a version, as flat lists of fields and values. */
export function hashFields(text: ReferenceText, createdAt: Date): Record<ReferencePart, string[]> {
  const { tickers, strategies, phrases, faults, sources, format } = text;
  const meta = {
    tickers: String(tickers.length),
    strategies: String(strategies.length),
    strategy_signals: String(phrases.length),
    created_at: createdAt.toISOString(),
    format: String(format),
    ...(faults === undefined ? {} : { faults }),
    ...(sources === undefined ? {} : { sources }),
  };
  return {
    tickers: tickers.flat(),
    strategies: strategies.flat(),
    strategy_signals: phrases.flat(),
    meta: Object.entries(meta).flat(),
  };
}

/** The version these hashes have by their content; undefined when they are no JSON. */
function hashVersion(
  { tickers, strategies, strategy_signals, meta }: SnapshotHashes,
  format: number,
): string | undefined {
  const textOf = (json: string): string => (format < TEXTS_FORMAT ? canonicalJson(JSON.parse(json)) : json);
  const texts = (hash: Hash): FieldTexts =>
    Object.entries(hash).map(([field, json]) => [field, textOf(json)] as const);
  try {
    return versionOf({
      tickers: texts(tickers),
      strategies: texts(strategies),
      phrases: texts(strategy_signals),
      ...(meta["faults"] === undefined ? {} : { faults: meta["faults"] }),
      ...(meta["sources"] === undefined ? {} : { sources: meta["sources"] }),
    });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function formatText({ format }: Hash): string {
  return Number(format) > FORMAT ? ` (format ${format}, this router knows ${FORMAT}: upgrade it)` : "";
}

function parseContent({ tickers, strategies, strategy_signals, meta }: SnapshotHashes): ReferenceContent {
  return {
    tickers: parseHash(tickers, String, (value) => tickerSchema.parse(value)),
    strategies: parseHash(strategies, Number, (value) => strategySchema.parse(value)),
    phrases: parseHash(strategy_signals, String, (value) => phraseSchema.parse(value)),
    sources: new Map(sourcesSchema.parse(JSON.parse(meta["sources"] ?? "[]"))),
  };
}

const sourcesSchema = z.array(z.tuple([z.string(), webhookSourceSchema]));

function parseHash<Key, Value>(
  hash: Hash,
  keyOf: (field: string) => Key,
  parse: (value: unknown) => Value,
): Map<Key, Value> {
  return new Map(Object.entries(hash).map(([field, json]) => [keyOf(field), parse(JSON.parse(json))]));
}
