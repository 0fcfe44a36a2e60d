import {
  DIFFERENCE_CLASSES,
  differenceOfOld,
  differenceOfOurs,
  differenceOfPair,
  isRejectedForTime,
  needsRow,
  type Difference,
  type DifferenceClass,
} from "./difference.ts";
import type { LoggedSignal, OldSignal, OurSignal } from "./logged-signal.ts";
import type { SharedPhrases } from "./shared-phrases.ts";

/** Rows of one signal may be this far apart in the two logs, as after an outage; what is older is compared and forgotten. */
const APART_MS_MAX = 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/** Compares two logs, whose rows are added in the order of `at`. */
export function compareLogs(options: CompareOptions): LogComparison {
  const { phrases, window, firstMax } = options;
  const waiting = new Map<string, Waiting>();
  const first: Difference[] = [];
  const classes = Object.fromEntries(DIFFERENCE_CLASSES.map((each) => [each, 0])) as Counts;
  const counts = { ours: 0, old: 0, agreeing: 0, atEdges: 0, strategiesUnknown: 0 };
  let forgotAt = -Infinity;

  const keyOf = (row: LoggedSignal, barTime = row.barTime): string =>
    JSON.stringify([row.symbol, phrases.identityOf(row), barTime]);
  const isInside = ({ at }: LoggedSignal): boolean => at >= window.from && at <= window.to;

  function waitingUnder(key: string): Waiting {
    const found = waiting.get(key) ?? { ours: [], rowless: [], old: [] };
    waiting.set(key, found);
    return found;
  }

  function report(difference: Difference | undefined): void {
    if (difference === undefined) {
      counts.agreeing += 1;
      return;
    }
    const { class: known } = difference;
    if (classes[known] < firstMax) first.push(difference);
    classes[known] += 1;
  }

  function pair(ours: OurSignal, old: OldSignal): void {
    if (!isInside(ours)) return;
    if (ours.dispatched && old.dispatched && old.strategies === null) counts.strategiesUnknown += 1;
    report(differenceOfPair(ours, old, phrases));
  }

  function alone(row: LoggedSignal, difference: Difference | undefined): void {
    if (!isInside(row)) return;
    const isAtEdge = row.at < window.from + window.edgeMs || row.at > window.to - window.edgeMs;
    if (difference !== undefined && isAtEdge) counts.atEdges += 1;
    else report(difference);
  }

  /** Pairs what waits, in the order of arrival. An old row that dispatched nothing may be that of a row that needs none. */
  function settle({ ours, rowless, old }: Waiting): void {
    while (ours.length > 0 || rowless.length > 0) {
      const [here, unneeded, there] = [ours[0], rowless[0], old[0]];
      if (there === undefined) return;
      const fits = here?.dispatched === true && !there.dispatched && unneeded?.dispatched === false;
      const partner = fits ? rowless.shift() : ours.shift();
      if (partner === undefined) return;
      pair(partner, there);
      old.shift();
    }
  }

  /** A row that needs no partner, or one whose bar time could not be read, so that it waits under a key without one. */
  function rowlessFor(row: OldSignal): OurSignal | undefined {
    const same = waiting.get(keyOf(row))?.rowless.shift();
    if (same !== undefined) return same;
    const candidates = waiting.get(keyOf(row, null))?.rowless ?? [];
    const place = candidates.findIndex((ours) => isRejectedForTime(ours));
    return place === -1 ? undefined : candidates.splice(place, 1)[0];
  }

  /** What has waited for its partner since before this time has none. */
  function forget(before: number): void {
    for (const { old } of waiting.values()) {
      for (const row of takeUntil(old, before)) {
        const ours = rowlessFor(row);
        if (ours === undefined) alone(row, differenceOfOld(row));
        else pair(ours, row);
      }
    }
    for (const [key, found] of waiting) {
      for (const row of [...takeUntil(found.ours, before), ...takeUntil(found.rowless, before)])
        alone(row, differenceOfOurs(row, phrases));
      if (isEmpty(found)) waiting.delete(key);
    }
  }

  function forgetOld(now: number): void {
    if (now - forgotAt < FORGET_EVERY_MS) return;
    forgotAt = now;
    forget(now - APART_MS_MAX);
  }

  return {
    addOurs(row) {
      if (isInside(row)) counts.ours += 1;
      forgetOld(row.at);
      const key = keyOf(row);
      const found = waitingUnder(key);
      (needsRow(row) ? found.ours : found.rowless).push(row);
      settle(found);
      if (isEmpty(found)) waiting.delete(key);
    },
    addOld(row) {
      if (isInside(row)) counts.old += 1;
      forgetOld(row.at);
      const key = keyOf(row);
      const found = waitingUnder(key);
      found.old.push(row);
      settle(found);
      if (isEmpty(found)) waiting.delete(key);
    },
    finish() {
      forget(Infinity);
      const order = (each: Difference): number => DIFFERENCE_CLASSES.indexOf(each.class);
      const at = ({ ours, old }: Difference): number => (ours ?? old)?.at ?? 0;
      return { ...counts, classes, first: first.toSorted((a, b) => order(a) - order(b) || at(a) - at(b)) };
    },
  };
}

export interface CompareOptions {
  readonly phrases: SharedPhrases;
  /** Rows outside are partners of those inside, and nothing else. */
  readonly window: CompareWindow;
  /** Differences that are kept, of each class. */
  readonly firstMax: number;
}

/** Milliseconds since 1970, both included. */
export interface CompareWindow {
  readonly from: number;
  readonly to: number;
  /** A row so near to an end need have no partner: that may be right behind the end of the other log. */
  readonly edgeMs: number;
}

export interface LogComparison {
  addOurs(row: OurSignal): void;
  addOld(row: OldSignal): void;
  /** To be called once, after all rows. */
  finish(): ComparedLogs;
}

type Counts = Record<DifferenceClass, number>;

export interface ComparedLogs {
  /** Rows in the window. */
  readonly ours: number;
  readonly old: number;
  readonly agreeing: number;
  /** Rows at the ends of the window without partner, which are no differences. */
  readonly atEdges: number;
  /** Pairs that both dispatched, of which the old row does not name the strategies. */
  readonly strategiesUnknown: number;
  readonly classes: Readonly<Counts>;
  /** The first differences of each class, `other` first. */
  readonly first: readonly Difference[];
}

/** Rows that wait for their partner, in the order in which they arrived. */
interface Waiting {
  readonly ours: OurSignal[];
  /** Those that the router before is not expected to have a row of. */
  readonly rowless: OurSignal[];
  readonly old: OldSignal[];
}

function isEmpty({ ours, rowless, old }: Waiting): boolean {
  return ours.length + rowless.length + old.length === 0;
}

/** Takes the rows from before this time out of the list. */
function takeUntil<Row extends LoggedSignal>(rows: Row[], before: number): Row[] {
  const later = rows.findIndex(({ at }) => at >= before);
  return rows.splice(0, later === -1 ? rows.length : later);
}
