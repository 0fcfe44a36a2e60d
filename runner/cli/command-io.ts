import { printable } from "../../shared/text.ts";
import type { RouterRoutes } from "./router-routes.ts";

/** What commands use of the process. */
export interface CommandIo {
  /** Runs a command with the routes of the router: of the one that runs in this folder, else of this environment. */
  readonly withRouter: <T>(command: (router: RouterRoutes) => Promise<T>) => Promise<T>;
  /** Writes to standard output, what was asked for. */
  readonly print: (text: string) => void;
  /** Writes to standard error, what a person should know besides. */
  readonly say: (text: string) => void;
  /** A person's answer; undefined when there is no terminal to ask on. */
  readonly confirm: (question: string) => Promise<boolean | undefined>;
  readonly exitWith: (code: number) => void;
  /** Name of the user of this shell. */
  readonly user: string;
  /** Width of the terminal; undefined: no limit. */
  readonly columns: number | undefined;
}

/** 0: done, or no difference · 1: refused, not confirmed, or it cannot be done now · 2: the environment is not valid. */
export const EXIT_REFUSED = 1;
/** `diff` found differences. */
export const EXIT_DIFFERS = 3;

/** Lines under a title, indented; nothing when there are none. Names of people must not control the terminal. */
export function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${printable(line)}`)];
}
