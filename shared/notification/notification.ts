import { resolveSignal } from "../decide/resolve-symbol.ts";
import { directionText } from "../direction-text.ts";
import type { Entry } from "../entry.ts";
import { logRowsOf } from "../log-rows.ts";
import { ROUTING_STATUSES, type ExecutionStatus, type RoutingStatus } from "../reasons.ts";
import type { Direction, Side } from "../reference/reference.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import { parseSignal, type Detail } from "../signal/signal.ts";
import { strategyLabel } from "../strategy-label.ts";
import { cutText, excerpt, printable } from "../text.ts";

/** An outcome as it is sent to NOTIFY_URL; what is not known is null. */
export interface Notice {
  readonly stage: "routing" | "execution";
  readonly strategy_id: number;
  readonly strategy: string | null;
  readonly symbol: string | null;
  readonly direction: Direction | null;
  /** The only side that an exit closes, null: both; absent for openings. */
  readonly side?: Side | null;
  readonly status: NotifiedStatus;
  readonly reason: string | null;
  /** The beginning of the detail's JSON. */
  readonly detail: string;
  readonly uid: string | null;
  /** Entry of the signal in `signals_stream`; empty when a worker has reported by uid, and so is the invocation. */
  readonly entry_id: string;
  readonly invocation: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** The statuses that NOTIFY_OUTCOMES may name. */
export type NotifiedStatus = RoutingStatus | ExecutionStatus;

/** A number of outcomes of one kind that were not sent one by one. */
export interface SummedKind extends Pick<Notice, "status" | "reason" | "strategy_id"> {
  readonly count: number;
}

/** A number of outcomes of many kinds that were not sent one by one. */
export interface SummedRest {
  readonly status: null;
  readonly reason: null;
  readonly strategy_id: null;
  readonly count: number;
}

/** The JSON posted to NOTIFY_URL. */
export interface NotificationBody {
  /** One line for a person; Slack shows it. */
  readonly text: string;
  /** The same; Discord shows it. */
  readonly content: string;
  /** Discord: nothing in the text mentions a user or a role. */
  readonly allowed_mentions: { readonly parse: readonly [] };
  readonly outcomes: readonly Notice[];
  readonly summed_up: readonly (SummedKind | SummedRest)[];
}

const NONE: readonly Notice[] = [];

/** The outcomes in an entry of `signal_results` that have one of these statuses; none when the entry is no record. */
export function noticesIn(entry: Entry, statuses: ReadonlySet<NotifiedStatus>): readonly Notice[] {
  // These are by far the most and the longest records, and not asked for by default.
  const isSkipped =
    entry.fields["kind"] === "signal" && !ROUTING_STATUSES.some((status) => statuses.has(status));
  if (isSkipped) return NONE;
  const parsed = logRowsOf(entry, "signal_results");
  if (!parsed.ok) return NONE;
  const { signals, outcomes, uidOutcomes } = parsed.rows;
  const byUid = uidOutcomes.map(({ uid, record }) => ({
    entryId: "",
    invocation: "",
    record: { ...record, uid },
  }));
  const routed = signals.flatMap(({ entryId, invocation, record }) =>
    record.outcomes.map((outcome): Notice => {
      const { symbol, direction, side, uid, decided_at: at } = record;
      const known = {
        symbol,
        direction,
        ...(side === undefined ? {} : { side }),
        uid,
        at,
        entry_id: entryId,
        invocation,
      };
      return { stage: "routing", ...outcome, ...known, detail: detailText(outcome.detail) };
    }),
  );
  const executed = [...outcomes, ...byUid].map(({ entryId, invocation, record }): Notice => {
    const { strategy_id, status, reason, uid = null, at } = record;
    const unknown = { strategy: null, symbol: null, direction: null };
    const known = { strategy_id, status, reason, uid, at, entry_id: entryId, invocation };
    return { stage: "execution", ...unknown, ...known, detail: detailText(record.detail) };
  });
  return [...routed, ...executed].filter(({ status }) => statuses.has(status));
}

/** The notice, completed from the reference and from the signal's own entry, as far as they exist. */
export function completed(
  notice: Notice,
  { snapshot, entry }: { readonly snapshot?: Snapshot | undefined; readonly entry?: Entry | undefined },
): Notice {
  const strategy = notice.strategy ?? snapshot?.strategies.get(notice.strategy_id)?.name ?? null;
  const parsed = entry === undefined ? undefined : parseSignal(entry, Infinity);
  if (parsed?.status !== "valid") return { ...notice, strategy };
  const { phrase } = parsed.signal;
  const { symbol } = snapshot === undefined ? parsed.signal : resolveSignal(parsed.signal, snapshot);
  const known = { ...notice, strategy, symbol: notice.symbol ?? symbol };
  if (notice.direction !== null) return known;
  const { direction = null, side = null } = snapshot?.subscriptions.get(phrase) ?? {};
  return direction === "flat" ? { ...known, direction, side } : { ...known, direction };
}

/** The post for a single outcome: a line that a person can act on. When a post is lost, no other outcome is lost with it. */
export function noticeBody(notice: Notice): NotificationBody {
  const { strategy_id, strategy, symbol, direction, side, detail } = notice;
  const how = direction === null ? null : directionText(direction, side);
  const what = [strategyLabel(strategy_id, strategy), symbol, how].filter((part) => part !== null);
  const line = `${statusText(notice)}: ${what.join(", ")}${detail === "{}" ? "" : ` ${detail}`}`;
  return bodyOf(line, { outcomes: [notice], summed_up: [] });
}

/** `failed (timeout)` */
export function statusText({ status, reason }: Pick<Notice, "status" | "reason">): string {
  return reason === null || reason === status ? status : `${status} (${reason})`;
}

/** The body with this line for people. */
export function bodyOf(
  line: string,
  lists: Pick<NotificationBody, "outcomes" | "summed_up">,
): NotificationBody {
  const text = plainLine(line);
  return { text, content: text, allowed_mentions: { parse: [] }, ...lists };
}

/** Discord refuses more than 2,000 characters. */
const TEXT_BYTES_MAX = 1_500;

/** A single line without markup: in Slack, `<!channel>` and `<address|text>` have a meaning. */
function plainLine(line: string): string {
  return cutText(printable(line).replaceAll("<", "‹").replaceAll(">", "›"), TEXT_BYTES_MAX);
}

function detailText(detail: Detail): string {
  try {
    return excerpt(JSON.stringify(detail));
  } catch (error) {
    // The detail in an external worker's record may be nested too deep for JSON.stringify.
    return `(cannot be shown: ${error instanceof Error ? error.message : String(error)})`;
  }
}
