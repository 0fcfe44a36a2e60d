/** The streams of the pipeline, by the names other services know. */
export const STREAMS = [
  "signals_stream",
  "strategy_input_stream",
  "signal_results",
  "system_events",
  "dead_letters",
] as const;
export type StreamName = (typeof STREAMS)[number];

/** A stream of a strategy's own, which only its reader knows. */
export type StrategyStream = `strategies:${string}`;

/** The consumer groups of the router's own functions. */
export type GroupName = "signal_processor" | "strategy_executor" | "log_writer" | "notifier";

/** A group and the stream it reads. */
export interface GroupOfStream {
  readonly stream: StreamName;
  readonly group: GroupName;
}

/** Which of the router's groups reads which stream: what they have still to work on stays there. */
export const GROUPS: readonly GroupOfStream[] = [
  { stream: "signals_stream", group: "signal_processor" },
  { stream: "strategy_input_stream", group: "strategy_executor" },
  { stream: "signal_results", group: "log_writer" },
  { stream: "system_events", group: "log_writer" },
];

/** Those of the router's groups that no entry is kept for, and that may be gone: what they miss, nobody misses. */
export const BEST_EFFORT_GROUPS: readonly GroupOfStream[] = [{ stream: "signal_results", group: "notifier" }];

/** Every Redis key of one router, built here and nowhere else. */
export interface Keys {
  readonly prefix: string;
  readonly metrics: string;
  readonly control: string;
  readonly groups: string;
  /** When each poll loop turned last. */
  readonly loops: string;
  readonly referenceCurrent: string;
  readonly referenceConfirmedAt: string;
  readonly referenceTicket: string;
  /** The highest ticket taken when a refresh published last; only one that began after it may publish. */
  readonly referencePublishedTicket: string;
  stream(name: StreamName | StrategyStream): string;
  /** Holder of a uid: the id of the entry whose decision dispatched it. */
  dedup(uid: string): string;
  /** The call that went through last of those a consumer makes one behind the other for a group of a stream. */
  sequence(stream: StreamName, group: GroupName, consumer: string): string;
  /** Held by whoever does by hand what only one may do at a time: runs the tasks of an invocation, or that of a dead letter. */
  lease(what: "invocation" | "dead_letter", id: string): string;
  /** Fence of an entry handled by a manual invocation. */
  done(invocation: string, entryId: string): string;
  reference(version: string, part: ReferencePart): string;
}

/** The hashes one snapshot version consists of. */
export type ReferencePart = "tickers" | "strategies" | "strategy_signals" | "meta";

/** Key names under one prefix. With a hash tag as prefix (`{signals}:`) all of them share a Cluster slot. */
export function keysOf(prefix: string): Keys {
  return {
    prefix,
    metrics: `${prefix}metrics`,
    control: `${prefix}control`,
    groups: `${prefix}groups`,
    loops: `${prefix}loops`,
    referenceCurrent: `${prefix}reference:current`,
    referenceConfirmedAt: `${prefix}reference:confirmed_at`,
    referenceTicket: `${prefix}reference:ticket`,
    referencePublishedTicket: `${prefix}reference:published_ticket`,
    stream: (name) => prefix + name,
    dedup: (uid) => `${prefix}dedup:${uid}`,
    sequence: (stream, group, consumer) => `${prefix}sequence:${stream}:${group}:${consumer}`,
    lease: (what, id) => `${prefix}lease:${what}:${id}`,
    done: (invocation, entryId) => `${prefix}done:${invocation}:${entryId}`,
    reference: (version, part) => `${prefix}reference:${version}:${part}`,
  };
}
