import { configRemarks } from "../../../shared/config/config-remarks.ts";
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
    return { lines: [line, ...remarkLines(env, answer.config)], config: answer.config, faulty: new Set() };
  }
  const faults = answer.message.split("\n");
  const faulty = new Set(faults.map((message) => /^[A-Z_]+/.exec(message)?.[0] ?? ""));
  const config = configWithout(env, faulty);
  return {
    lines: [
      ...faults.map((message) => lineOf("Environment", fault(message))),
      ...(config === undefined ? [] : remarkLines(env, config)),
    ],
    config,
    faulty,
  };
}

function remarkLines(env: Environment, config: Config): readonly CheckLine[] {
  return configRemarks(env, config).map((remark) => lineOf("Environment", remark));
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
