import type { FunctionName } from "../function-names.ts";

/** What SHADOW and GROUP_SUFFIX mean for the other settings, and which of these cannot be together. */

interface ShadowSettings {
  readonly shadow: boolean;
  readonly groupSuffix: string;
  readonly functions: readonly FunctionName[];
}

/** A setting with a fault of its own is not compared. `namesFunctions`: FUNCTIONS is set. */
export function shadowFaults(
  { shadow, groupSuffix, functions = [] }: Partial<ShadowSettings>,
  { namesFunctions }: { readonly namesFunctions: boolean },
): string[] {
  const faults: string[] = [];
  if (groupSuffix !== undefined && groupSuffix !== "" && shadow === false) {
    faults.push(
      "GROUP_SUFFIX is set: expected SHADOW=true as well, or every signal would be traded twice, by this router and by the one without the suffix",
    );
  }
  if (shadow === true && namesFunctions && functions.includes("execute-strategies")) {
    faults.push(
      "FUNCTIONS names execute-strategies: expected it without, since with SHADOW=true no strategy is run; or leave FUNCTIONS out",
    );
  }
  return faults;
}

/** With SHADOW, all functions are all but the one that runs strategies. */
export function functionsOf({ shadow, functions }: ShadowSettings): readonly FunctionName[] {
  return shadow ? functions.filter((name) => name !== "execute-strategies") : functions;
}

/** With GROUP_SUFFIX, none: what workers report is about tasks of the router that trades. */
export function outcomeStreamsOf({
  groupSuffix,
  outcomeStreams,
}: {
  readonly groupSuffix: string;
  readonly outcomeStreams: readonly string[];
}): readonly string[] {
  return groupSuffix === "" ? outcomeStreams : [];
}

/** Said at the start and by health. */
export const TAKES_SIGNALS =
  "SHADOW=true without GROUP_SUFFIX: this router takes the signals away from the router that trades, and none of those it decides is traded; to run beside another router, stop this one and set GROUP_SUFFIX, such as _new; to trade, stop it and remove SHADOW";
