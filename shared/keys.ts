/** The streams of the pipeline, by the names that other services use. */
export const STREAMS = [
  "signals_stream",
  "strategy_input_stream",
  "signal_results",
  "system_events",
  "dead_letters",
] as const;
export type StreamName = (typeof STREAMS)[number] | OutcomeStream;

/** A stream of another system in which workers report, named by OUTCOME_STREAMS: its key is its name, without the prefix. */
export type OutcomeStream = string & { readonly kind: "outcome stream" };

/** Whether a name without prefix is that of a stream of the router, or of one that a strategy may write to. */
export function isOwnStream(name: string): boolean {
  return STREAMS.some((own) => own === name) || name.startsWith("strategies:");
}

/** A stream of a strategy's own, which the router only writes to. */
export type StrategyStream = `strategies:${string}`;

/** The consumer groups of the router's own functions. */
export type GroupName =
  | "signal_processor"
  | "strategy_executor"
  | "log_writer"
  | "notifier"
  | "outcome_collector";

/** A group and the stream it reads. */
export interface GroupOfStream {
  readonly stream: StreamName;
  readonly group: GroupName;
}

/** The router's own groups. An entry is not trimmed before its group has acknowledged it. */
export const GROUPS: readonly GroupOfStream[] = [
  { stream: "signals_stream", group: "signal_processor" },
  { stream: "strategy_input_stream", group: "strategy_executor" },
  { stream: "signal_results", group: "log_writer" },
  { stream: "system_events", group: "log_writer" },
];

/** Groups of the router that no entry is kept for and that may be missing: an entry they do not read is no loss. */
export const BEST_EFFORT_GROUPS: readonly GroupOfStream[] = [{ stream: "signal_results", group: "notifier" }];

/** The groups of one router, those of its outcome streams included. */
export function groupsOf({ outcomeStreams }: Pick<Keys, "outcomeStreams">): readonly GroupOfStream[] {
  return [...GROUPS, ...outcomeStreams.map((stream) => ({ stream, group: "outcome_collector" }) as const)];
}

/** The names of all Redis keys of one router, which are built only here. */
export interface Keys {
  readonly prefix: string;
  /** OUTCOME_STREAMS */
  readonly outcomeStreams: readonly OutcomeStream[];
  readonly metrics: string;
  readonly control: string;
  readonly groups: string;
  /** When each reader of a group last asked for entries. */
  readonly loops: string;
  /** Until when each consumer of a group vouches for what it has in flight. */
  readonly heartbeats: string;
  /** By consumer, the strategies that it cannot run. */
  readonly unusableStrategies: string;
  /** By strategy, how its last tasks ended. */
  readonly taskEnds: string;
  readonly referenceCurrent: string;
  readonly referenceConfirmedAt: string;
  readonly referenceTicket: string;
  /** The highest ticket taken when a refresh last published; only a refresh that started after that may publish. */
  readonly referencePublishedTicket: string;
  /** Why the reference could not be read from Postgres or used in Redis; gone after the next success. */
  readonly referenceFailures: string;
  stream(name: StreamName | StrategyStream): string;
  /** The id of the entry whose decision dispatched the uid. */
  dedup(uid: string): string;
  /** Label of the last commit call that was applied, of those a consumer makes in order for one group and stream. */
  sequence(stream: StreamName, group: GroupName, consumer: string): string;
  /** Held while tasks of an invocation, or of a dead letter, are run on demand, which only one process may do at a time. */
  lease(what: "invocation" | "dead_letter", id: string): string;
  /** Fence of an entry in a manual invocation. */
  done(invocation: string, entryId: string): string;
  reference(version: string, part: ReferencePart): string;
  /** The same hashes while a refresh writes them; publishing renames them. */
  stagedReference(ticket: number, part: ReferencePart): string;
}

/** The hashes one snapshot version consists of. */
export type ReferencePart = "tickers" | "strategies" | "strategy_signals" | "meta";

export interface KeysOptions {
  /** None of the router's own streams, which readConfig refuses. */
  readonly outcomeStreams?: readonly string[];
}

/** Key names under one prefix. With a hash tag as prefix (`{signals}:`) all of them share a Cluster slot. */
export function keysOf(prefix: string, { outcomeStreams = [] }: KeysOptions = {}): Keys {
  const literal = new Set<string>(outcomeStreams);
  return {
    prefix,
    outcomeStreams: outcomeStreams as readonly OutcomeStream[],
    metrics: `${prefix}metrics`,
    control: `${prefix}control`,
    groups: `${prefix}groups`,
    loops: `${prefix}loops`,
    heartbeats: `${prefix}heartbeats`,
    unusableStrategies: `${prefix}unusable_strategies`,
    taskEnds: `${prefix}task_ends`,
    referenceCurrent: `${prefix}reference:current`,
    referenceConfirmedAt: `${prefix}reference:confirmed_at`,
    referenceTicket: `${prefix}reference:ticket`,
    referencePublishedTicket: `${prefix}reference:published_ticket`,
    referenceFailures: `${prefix}reference:failures`,
    stream: (name) => (literal.has(name) ? name : prefix + name),
    dedup: (uid) => `${prefix}dedup:${uid}`,
    sequence: (stream, group, consumer) => `${prefix}sequence:${stream}:${group}:${consumer}`,
    lease: (what, id) => `${prefix}lease:${what}:${id}`,
    done: (invocation, entryId) => `${prefix}done:${invocation}:${entryId}`,
    reference: (version, part) => `${prefix}reference:${version}:${part}`,
    stagedReference: (ticket, part) => `${prefix}reference:staged-${ticket}:${part}`,
  };
}
