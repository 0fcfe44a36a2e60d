import { printableJson } from "../../shared/text.ts";
import { DATA_DIR, EXIT_BAD_CONFIG, type Environment } from "../environment.ts";
import type { CheckLine } from "./check/check-line.ts";
import { checkJson, checkText } from "./check/check-text.ts";
import { preflight } from "./check/preflight.ts";

/** `cli check`: checks everything a router needs, prints a line for each check, and ends the process. */
export async function check(env: Environment, { json }: { readonly json: boolean }): Promise<never> {
  const lines = await preflight(env, DATA_DIR);
  const colours = process.stdout.isTTY && (env["NO_COLOR"] ?? "") === "";
  console.log(json ? printableJson(checkJson(lines)) : checkText(lines, { colours }));
  // Not by itself: a look-up or a connection without an answer would keep the process for longer.
  process.exit(exitCode(lines));
}

/** As with every command, 2 when the environment is not valid. */
function exitCode(lines: readonly CheckLine[]): number {
  const faults = lines.filter(({ status }) => status === "fault");
  if (faults.some(({ subject }) => subject === "Environment")) return EXIT_BAD_CONFIG;
  return faults.length > 0 ? 1 : 0;
}
