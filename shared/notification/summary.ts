import { strategyLabel } from "../strategy-label.ts";
import { excerpt } from "../text.ts";
import {
  bodyOf,
  statusText,
  type Notice,
  type NotificationBody,
  type SummedKind,
  type SummedRest,
} from "./notification.ts";

/** Outcomes that are not sent one by one, counted by status, reason and strategy. */
export interface NoticeSum {
  readonly count: number;
  readonly kinds: ReadonlyMap<string, SummedKind>;
  /** Outcomes of further kinds, when there are more than {@link KINDS_MAX}. */
  readonly others: number;
}

/** There is a limit, since external workers may send any reason and any strategy. */
const KINDS_MAX = 100;
/** Kinds that a line names, the most frequent first. */
const KINDS_NAMED_MAX = 5;

export const NOTHING_SUMMED: NoticeSum = { count: 0, kinds: new Map(), others: 0 };

/** The sum with one more outcome. */
export function counted({ count, kinds, others }: NoticeSum, notice: Notice): NoticeSum {
  const { status, strategy_id } = notice;
  const reason = notice.reason === null ? null : excerpt(notice.reason);
  const key = JSON.stringify([status, reason, strategy_id]);
  const kind = kinds.get(key);
  if (kind === undefined && kinds.size >= KINDS_MAX) return { count: count + 1, kinds, others: others + 1 };
  const next = { count: (kind?.count ?? 0) + 1, status, reason, strategy_id };
  return { count: count + 1, kinds: new Map(kinds).set(key, next), others };
}

/** The post for a sum: `and 35 more: 30 failed (timeout) of Trend (7), 5 failed (error) of Ether only (9)`. */
export function sumBody(
  { count, kinds, others }: NoticeSum,
  names: ReadonlyMap<number, string> = new Map(),
): NotificationBody {
  const summed = [...kinds.values()].toSorted((a, b) => b.count - a.count);
  const named = summed.slice(0, KINDS_NAMED_MAX);
  const unnamed = count - named.reduce((sum, kind) => sum + kind.count, 0);
  const line = [
    ...named.map((kind) => kindText(kind, names)),
    ...(unnamed > 0 ? [`${unnamed} others`] : []),
  ].join(", ");
  const rest: SummedRest = { count: others, status: null, reason: null, strategy_id: null };
  return bodyOf(`and ${count} more: ${line}`, {
    outcomes: [],
    summed_up: others > 0 ? [...summed, rest] : summed,
  });
}

function kindText(kind: SummedKind, names: ReadonlyMap<number, string>): string {
  return `${kind.count} ${statusText(kind)} of ${strategyLabel(kind.strategy_id, names.get(kind.strategy_id))}`;
}
