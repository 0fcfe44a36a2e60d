import { readConfig, type Config } from "../../../shared/config/config.ts";
import { fault, ok } from "../../../shared/config/remark.ts";
import type { Environment } from "../../environment.ts";
import { lineOf, type CheckLine } from "./check-line.ts";

/** Finds all faults of the environment; with the variables that are right, the other checks go on. */
export function checkEnvironment(env: Environment): CheckedEnvironment {
  const answer = readConfig(env);
  if (answer.ok) {
    const { functions } = answer.config;
    const line = lineOf(
      "Environment",
      ok(`all variables are valid; this process would run ${functions.join(", ")}`),
    );
    return { lines: [line], config: answer.config, faulty: new Set() };
  }
  const faults = answer.message.split("\n");
  const faulty = new Set(faults.map((message) => /^[A-Z_]+/.exec(message)?.[0] ?? ""));
  return {
    lines: faults.map((message) => lineOf("Environment", fault(message))),
    config: configWithout(env, faulty),
    faulty,
  };
}

export interface CheckedEnvironment {
  readonly lines: readonly CheckLine[];
  /** With defaults for the faulty variables; undefined when there is none even so. */
  readonly config: Config | undefined;
  readonly faulty: ReadonlySet<string>;
}

function configWithout(env: Environment, faulty: ReadonlySet<string>): Config | undefined {
  const rest = Object.entries(env).filter(([variable]) => !faulty.has(variable));
  const answer = readConfig(Object.fromEntries(rest));
  return answer.ok ? answer.config : undefined;
}
