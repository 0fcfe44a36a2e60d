import type { Config } from "../../shared/config/config.ts";
import type { ReferenceKind } from "../../shared/reference/reference-kind.ts";

/**
 * Settings with which changes of a reference that belongs to the system before are seen at once. Its UI publishes on these
 * channels. A changed strategy has no message but an entry in the two streams: the first asks for the change, the second says
 * that it was applied.
 */

const TICKER_CHANNELS = ["bb:tickers_events", "tickers_bb_events"];
const CHANNELS = {
  v4: [...TICKER_CHANNELS, "tickers_v4_events", "signals_v4_events", "strategies_v4_events"],
  // Of its own tables v2 publishes nothing.
  v2: TICKER_CHANNELS,
} as const;
const STREAMS = ["strategy_update_stream", "strategy_state_stream"];

type Heard = Pick<Config, "referenceChannels" | "referenceStreams">;

/** The lines of the environment for a reference of this kind; those that the settings have already are left out. */
export function oldSystemSettings(kind: ReferenceKind, set?: Heard): readonly string[] {
  if (kind !== "v4" && kind !== "v2") return [];
  const missing = (names: readonly string[], heard: readonly string[] = []): boolean =>
    names.some((name) => !heard.includes(name));
  return [
    ...(missing(CHANNELS[kind], set?.referenceChannels)
      ? [`REFERENCE_CHANNELS=${CHANNELS[kind].join(",")}`]
      : []),
    ...(missing(STREAMS, set?.referenceStreams) ? [`REFERENCE_STREAMS=${STREAMS.join(",")}`] : []),
  ];
}
