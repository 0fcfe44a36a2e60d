import { buildReference } from "../reference/build-reference.ts";
import {
  ROUTER_TABLES,
  type RawReferenceRows,
  type ReferenceTable,
  type Strategy,
} from "../reference/reference.ts";
import type { UnusableStrategy } from "../unusable-strategy.ts";
import { changeLines } from "./change-lines.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "./document-fields.ts";
import { documentOf } from "./document-of-rows.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";
import { editWarnings } from "./edit-warnings.ts";
import { moreTrading } from "./more-trading.ts";
import type { AddressesIn } from "./shown-params.ts";
import type { NamedRows, ReadStoredRows, StoredRows } from "./stored-rows.ts";
import { diffRows, type RowsDiff } from "./table-diff.ts";
import { aliasOf, spellingOf } from "./ticker-symbols.ts";
import { valueFaults } from "./value-faults.ts";
import type { WantedOptions } from "./wanted-options.ts";
import { wantedRows } from "./wanted-rows.ts";

/**
 * Plans how the stored rows become what a document says: what to write, what is wrong, what is odd, and what a person has to
 * agree to. A row in the document stands for the whole row; rows that it lacks stay, unless they are pruned.
 */
export function planEdit(
  current: ReadStoredRows,
  document: ReferenceDocument,
  { prune, foreign, unusable = () => [], addressesIn = () => [], ...options }: PlanOptions,
): EditPlan {
  const foreignSymbols = foreign === undefined ? undefined : symbolsOf(foreign);
  const prunes = prunedKinds(document, prune);
  const wanted = wantedRows(current.rows, document, {
    ...options,
    prunes,
    ...(foreignSymbols === undefined ? {} : { foreignSymbols }),
  });
  const before = buildReference({ ...current.rows, ...foreign });
  const built = buildReference({ ...wanted.rows, ...foreign });
  const couldNotRun = unusable(before.content.strategies.values());
  const cannotRun = unusable(built.content.strategies.values());
  const { unreadable } = documentOf(current, foreignSymbols);
  const diff = diffRows(current.rows, wanted.rows);
  return {
    rows: wanted.rows,
    diff,
    version: built.version,
    faults: [...valueFaults(document, { mayBeEmpty: foreign !== undefined }), ...wanted.faults],
    warnings: editWarnings(wanted, {
      before: current.rows,
      content: { before: before.content, after: built.content },
      unreadable,
      // Another system's rows are no matter of this edit.
      faults: foreign === undefined ? built.faults : built.faults.filter(({ table }) => OWN.has(table)),
      unusable: foreign === undefined ? cannotRun : [],
    }),
    willTradeMore: moreTrading(before.content, built.content, {
      couldNotRun: idsOf(couldNotRun),
      cannotRun: idsOf(cannotRun),
    }),
    changes: changeLines(current.rows, wanted.rows, { addressesIn }),
    removed: {
      tickers: diff.tickers.deleted.filter(({ symbol }) => !isRenamed(symbol, document.tickers, spellingOf)),
      signals: diff.signals.deleted,
      strategies: diff.strategies.deleted,
      aliases: diff.ticker_aliases.deleted.filter(
        ({ alias }) => !isRenamed(alias, document.aliases, aliasOf),
      ),
      // Its senders use the path with its name, so one that is renamed is lost to them as well.
      sources: diff.webhook_sources.deleted,
    },
  };
}

export interface PlanOptions extends Omit<WantedOptions, "prunes" | "foreignSymbols"> {
  /** Whether rows that the document lacks are removed. */
  readonly prune: boolean;
  /** The rows of another system, which maintains the tickers, signals and strategies. */
  readonly foreign?: ForeignRows;
  /** Finds the strategies that could not be run: an unknown handler, a missing secret. */
  readonly unusable?: (strategies: Iterable<Strategy>) => readonly UnusableStrategy[];
  /** Finds addresses in params, of which only the host is shown. */
  readonly addressesIn?: AddressesIn;
}

/** Rows of tables and views that another system maintains, with anything in them. */
export type ForeignRows = Pick<RawReferenceRows, ReferenceTable>;

/** The symbols of another system's tickers. */
export function symbolsOf({ tickers }: Pick<ForeignRows, "tickers">): readonly string[] {
  return tickers.flatMap((row) => {
    const { symbol }: { symbol?: unknown } = Object(row);
    return typeof symbol === "string" ? [symbol] : [];
  });
}

/** Lists that the document lacks prune nothing; one with aliases or sources alone says nothing of the others. */
function prunedKinds(document: ReferenceDocument, prune: boolean): ReadonlySet<DocumentKind> {
  if (!prune) return new Set();
  const { tickers, signals, strategies } = document;
  const hasOthers = tickers.length + signals.length + strategies.length > 0;
  return new Set(
    DOCUMENT_KINDS.filter((kind) =>
      kind === "aliases" || kind === "sources" ? document[kind] !== undefined : hasOthers,
    ),
  );
}

const OWN: ReadonlySet<string> = new Set(ROUTER_TABLES);

export interface EditPlan {
  /** The rows after it. */
  readonly rows: StoredRows;
  readonly diff: RowsDiff;
  /** Of the snapshot that is made of the rows after it. */
  readonly version: string;
  /** Nothing may be written while there is one. */
  readonly faults: readonly DocumentFault[];
  readonly warnings: readonly string[];
  /** What would be traded and is not now. */
  readonly willTradeMore: readonly string[];
  readonly changes: readonly string[];
  readonly removed: NamedRows;
}

function idsOf(unusable: readonly UnusableStrategy[]): ReadonlySet<number> {
  return new Set(unusable.map(({ strategyId }) => strategyId));
}

/** A row without an id that is renamed is another row in its table, but not removed. */
function isRenamed(
  name: string,
  entries: readonly { readonly was?: string }[] = [],
  keyOf: (name: string) => string,
): boolean {
  return entries.some(({ was }) => was !== undefined && keyOf(was) === keyOf(name));
}
