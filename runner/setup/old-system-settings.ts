/**
 * Lines of the environment with which changes of a reference that belongs to the system before are seen at once. Its UI
 * publishes on these channels. A changed strategy has no message but an entry in the two streams: the first asks for the
 * change, the second says that it was applied.
 */
export function oldSystemSettings(system: "v4" | "v2"): readonly string[] {
  return [
    `REFERENCE_CHANNELS=${CHANNELS[system].join(",")}`,
    "REFERENCE_STREAMS=strategy_update_stream,strategy_state_stream",
  ];
}

const TICKER_CHANNELS = ["bb:tickers_events", "tickers_bb_events"];
const CHANNELS = {
  v4: [...TICKER_CHANNELS, "tickers_v4_events", "signals_v4_events", "strategies_v4_events"],
  // Of its own tables v2 publishes nothing.
  v2: TICKER_CHANNELS,
} as const;
