/** The part of a key that decides its slot in a Redis Cluster: what the first braces enclose; undefined when nothing. */
export function hashTagOf(key: string): string | undefined {
  return /^[^{]*\{([^}]+)\}/.exec(key)?.[1];
}

/** Streams of other programs that a router on a Cluster cannot use, since they are in another slot than its own keys. */
export function streamsElsewhere({
  keyPrefix,
  outcomeStreams,
  referenceStreams,
}: {
  readonly keyPrefix: string;
  readonly outcomeStreams: readonly string[];
  readonly referenceStreams: readonly string[];
}): readonly string[] {
  const tag = hashTagOf(keyPrefix);
  const faultsOf = (variable: string, streams: readonly string[], why: string): string[] =>
    streams
      .filter((stream) => hashTagOf(stream) !== tag)
      .map(
        (stream) =>
          `${variable} names ${stream}: on a Redis Cluster expected a name with the hash tag of KEY_PREFIX, such as {${tag ?? "signals"}}:${stream}, since ${why}`,
      );
  return [
    ...faultsOf(
      "OUTCOME_STREAMS",
      outcomeStreams,
      "a report and what the router records of it change in one step",
    ),
    ...faultsOf("REFERENCE_STREAMS", referenceStreams, "the router reads from the node that has its keys"),
  ];
}
