import { buildReference } from "../reference/build-reference.ts";
import type { Strategy } from "../reference/reference.ts";
import type { UnusableStrategy } from "../unusable-strategy.ts";
import { changeLines } from "./change-lines.ts";
import type { DocumentKind } from "./document-fields.ts";
import { documentOf } from "./document-of-rows.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";
import { editWarnings } from "./edit-warnings.ts";
import { moreTrading } from "./more-trading.ts";
import type { AddressesIn } from "./shown-params.ts";
import type { ReadStoredRows, StoredRows } from "./stored-rows.ts";
import { diffRows, type RowsDiff } from "./table-diff.ts";
import { valueFaults } from "./value-faults.ts";
import { wantedRows, type WantedOptions } from "./wanted-rows.ts";

/**
 * Plans how the stored rows become what a document says: what to write, what is wrong, what is odd, and what a person has to
 * agree to. A row in the document stands for the whole row; rows that it lacks stay, unless they are pruned.
 */
export function planEdit(
  current: ReadStoredRows,
  document: ReferenceDocument,
  { unusable = () => [], addressesIn = () => [], ...options }: PlanOptions,
): EditPlan {
  const wanted = wantedRows(current.rows, document, options);
  const before = buildReference(current.rows);
  const built = buildReference(wanted.rows);
  const couldNotRun = unusable(before.content.strategies.values());
  const cannotRun = unusable(built.content.strategies.values());
  const { unreadable } = documentOf(current);
  const diff = diffRows(current.rows, wanted.rows);
  const { tickers, signals, strategies } = diff;
  return {
    rows: wanted.rows,
    diff,
    version: built.version,
    faults: [...valueFaults(document), ...wanted.faults],
    warnings: editWarnings(wanted, { unreadable, built, unusable: cannotRun }),
    willTradeMore: moreTrading(before.content, built.content, {
      couldNotRun: idsOf(couldNotRun),
      cannotRun: idsOf(cannotRun),
    }),
    changes: changeLines(current.rows, wanted.rows, { addressesIn }),
    removed: {
      tickers: tickers.deleted.filter(({ symbol }) => !isRespelled(symbol, document)),
      signals: signals.deleted,
      strategies: strategies.deleted,
    },
  };
}

export interface PlanOptions extends WantedOptions {
  /** Finds the strategies that could not be run: an unknown handler, a missing secret. */
  readonly unusable?: (strategies: Iterable<Strategy>) => readonly UnusableStrategy[];
  /** Finds addresses in params, of which only the host is shown. */
  readonly addressesIn?: AddressesIn;
}

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
  readonly removed: Pick<StoredRows, DocumentKind>;
}

function idsOf(unusable: readonly UnusableStrategy[]): ReadonlySet<number> {
  return new Set(unusable.map(({ strategyId }) => strategyId));
}

/** A ticker that is renamed is another row in its table, but not removed. */
function isRespelled(symbol: string, { tickers }: ReferenceDocument): boolean {
  return tickers.some(({ was }) => was !== undefined && was === symbol);
}
