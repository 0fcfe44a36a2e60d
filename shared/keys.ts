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

/**
 * Which stream of a router a key is, by its name without prefix and suffix: one of the pipeline, or `strategies:…` for those that
 * its strategies may write to. Undefined when it is none.
 */
export function ownStreamAt(key: string, prefix = "", suffix = ""): string | undefined {
  if ([`${prefix}strategies:`, `${prefix}strategies${suffix}:`].some((own) => key.startsWith(own)))
    return "strategies:…";
  return STREAMS.find((name) => key === prefix + name || key === prefix + name + suffix);
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

/** The groups whose entries keep their order: each is read by one runner at a time, which holds its lease. */
export const ORDERED_GROUPS = ["signal_processor", "strategy_executor"] as const;
export type OrderedGroup = (typeof ORDERED_GROUPS)[number];

export function isOrderedGroup(group: GroupName): group is OrderedGroup {
  return ORDERED_GROUPS.some((ordered) => ordered === group);
}

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

/** The names of all Redis keys and groups of one router, which are built only here. */
export interface Keys {
  readonly prefix: string;
  /** GROUP_SUFFIX: in every name but that of `signals_stream`, which a router with it shares with others and only reads. */
  readonly suffix: string;
  /** Which router a row in Postgres is of. */
  readonly shard: string;
  /** OUTCOME_STREAMS */
  readonly outcomeStreams: readonly OutcomeStream[];
  readonly metrics: string;
  /** Some of the metrics, as the UI of the system before reads them. */
  readonly oldMetrics: string;
  readonly control: string;
  readonly groups: string;
  /** When each reader of a group last asked for entries. */
  readonly loops: string;
  /** Until when each consumer of a group vouches for what it has in flight. */
  readonly heartbeats: string;
  /** Hash: by runner, what it is and when it last showed that it lives. */
  readonly routers: string;
  /** Written before replicas are asked what they have. */
  readonly confirmed: string;
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
  /** A consumer group as Redis knows it. */
  group(name: GroupName): string;
  /** The id of the entry whose decision dispatched the uid. */
  dedup(uid: string): string;
  /** Label of the last commit call that was applied, of those a consumer makes in order for one group and stream. */
  sequence(stream: StreamName, group: GroupName, consumer: string): string;
  /** Hash: which runner may read this group now, and until when. */
  groupLease(group: OrderedGroup): string;
  /** Written, for a moment, when a runner that no longer holds the group wants to read it: the transaction of the read watches it. */
  groupReadRefused(group: OrderedGroup): string;
  /** Held while tasks of an invocation, or of a dead letter, are run on demand, a task is retried, or an edit is previewed. */
  lease(what: "invocation" | "dead_letter" | "retry" | "preview", id: string): string;
  /** What an invocation was begun as. */
  invocation(id: string): string;
  /** Fence of an entry in a manual invocation. */
  done(invocation: string, entryId: string): string;
  reference(version: string, part: ReferencePart): string;
  /** The same hashes while a refresh writes them; publishing renames them. */
  stagedReference(ticket: number, part: ReferencePart): string;
}

/** The hashes one snapshot version consists of. */
export type ReferencePart = "tickers" | "strategies" | "strategy_signals" | "meta";

export interface KeysOptions {
  /** GROUP_SUFFIX */
  readonly groupSuffix?: string;
  /** None of the router's own streams, which readConfig refuses. */
  readonly outcomeStreams?: readonly string[];
}

/**
 * Key names under one prefix; the first part of each has the suffix: `metrics_new`, `dedup_new:<uid>`. With a hash tag as
 * prefix (`{signals}:`) all of them share a Cluster slot.
 */
export function keysOf(
  prefix: string,
  { groupSuffix: suffix = "", outcomeStreams = [] }: KeysOptions = {},
): Keys {
  const streamKeys = new Map(STREAMS.map((name) => [name as string, prefix + name + suffix]));
  streamKeys.set("signals_stream", `${prefix}signals_stream`);
  for (const name of outcomeStreams) streamKeys.set(name, name);
  return {
    prefix,
    suffix,
    shard: prefix + suffix,
    outcomeStreams: outcomeStreams as readonly OutcomeStream[],
    metrics: `${prefix}metrics${suffix}`,
    oldMetrics: `${prefix}metrics${suffix}:signals`,
    control: `${prefix}control${suffix}`,
    groups: `${prefix}groups${suffix}`,
    loops: `${prefix}loops${suffix}`,
    heartbeats: `${prefix}heartbeats${suffix}`,
    routers: `${prefix}routers${suffix}`,
    confirmed: `${prefix}confirmed${suffix}`,
    unusableStrategies: `${prefix}unusable_strategies${suffix}`,
    taskEnds: `${prefix}task_ends${suffix}`,
    referenceCurrent: `${prefix}reference${suffix}:current`,
    referenceConfirmedAt: `${prefix}reference${suffix}:confirmed_at`,
    referenceTicket: `${prefix}reference${suffix}:ticket`,
    referencePublishedTicket: `${prefix}reference${suffix}:published_ticket`,
    referenceFailures: `${prefix}reference${suffix}:failures`,
    stream: (name) => streamKeys.get(name) ?? prefix + name.replace(":", `${suffix}:`),
    group: (name) => name + suffix,
    dedup: (uid) => `${prefix}dedup${suffix}:${uid}`,
    sequence: (stream, group, consumer) => `${prefix}sequence${suffix}:${stream}:${group}:${consumer}`,
    groupLease: (group) => `${prefix}lease${suffix}:${group}`,
    groupReadRefused: (group) => `${prefix}lease${suffix}:${group}:refused`,
    lease: (what, id) => `${prefix}lease${suffix}:${what}:${id}`,
    invocation: (id) => `${prefix}invocation${suffix}:${id}`,
    done: (invocation, entryId) => `${prefix}done${suffix}:${invocation}:${entryId}`,
    reference: (version, part) => `${prefix}reference${suffix}:${version}:${part}`,
    stagedReference: (ticket, part) => `${prefix}reference${suffix}:staged-${ticket}:${part}`,
  };
}
