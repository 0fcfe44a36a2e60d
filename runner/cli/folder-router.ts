import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { isSameRedis } from "../../shared/config/redis-url.ts";
import { settingsOf } from "../../shared/config/settings.ts";
import type { Environment } from "../environment.ts";
import { settingsSchema, type RouterSettings } from "../http/operations/settings.ts";
import { isNotThere, socketPath } from "../local/router-socket.ts";
import { fetchOverSocket } from "./socket-fetch.ts";

/** The router that runs in this folder and owns what is in its data folder, as its socket answers. */
export type FolderRouter =
  | { readonly status: "none" }
  | {
      readonly status: "runs";
      readonly settings: RouterSettings;
      readonly fetch: (request: Request) => Promise<Response>;
    }
  /** It cannot be asked now. */
  | { readonly status: "unusable"; readonly message: string }
  /** It is another one than the environment of the command names. */
  | { readonly status: "refused"; readonly message: string };

/** Asks for it, unless the environment names servers for everything: then nothing in the folder is needed. */
export async function folderRouter(
  config: Config,
  { env, dataDir, answerMsMax = ANSWER_MS_MAX }: FolderRouterOptions,
): Promise<FolderRouter> {
  const path = socketPath(dataDir);
  if (!usesFolder(config) || path === undefined) return { status: "none" };
  const asked = await askSettings(path, answerMsMax);
  if (asked === "no_router") return { status: "none" };
  if (asked === "silent" || asked === "unknown")
    return { status: "unusable", message: WHY_UNUSABLE[asked](path, answerMsMax) };
  const differences = settingDifferences(config, env, asked);
  if (differences.length > 0) return { status: "refused", message: differentText(differences, asked.pid) };
  return { status: "runs", settings: asked, fetch: async (request) => fetchOverSocket(path, request) };
}

interface FolderRouterOptions {
  readonly env: Environment;
  readonly dataDir: string;
  /** Longest wait for its first answer, in ms. */
  readonly answerMsMax?: number;
}

/** Whether something of it is in the data folder. */
function usesFolder({ redisUrl, databaseUrl }: Config): boolean {
  return redisUrl === undefined || databaseUrl === undefined;
}

const ANSWER_MS_MAX = 10_000;

const WHY_UNUSABLE = {
  silent: (path: string, msMax: number) =>
    `a process listens on ${path}, and has not answered within ${msMax / 1000} s: is the router paused, or the machine overloaded? Let it go on (kill -CONT) or stop it, and run this command again`,
  unknown: (path: string) =>
    `what answers on ${path} is a router of another version: restart it, and run this command again`,
} as const;

async function askSettings(
  path: string,
  msMax: number,
): Promise<RouterSettings | keyof typeof WHY_UNUSABLE | "no_router"> {
  const signal = AbortSignal.timeout(msMax);
  try {
    const response = await fetchOverSocket(path, new Request("http://router/settings"), { signal });
    const parsed = settingsSchema.safeParse(await response.json());
    return parsed.success ? parsed.data : "unknown";
  } catch (error) {
    if (signal.aborted) return "silent";
    if (!(error instanceof Error) || error instanceof SyntaxError) return "unknown";
    // A router that stops closes connections.
    if (isNotThere(error) || LOST.has(codeOf(error))) return "no_router";
    throw error;
  }
}

const LOST: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE", "EACCES"]);

function codeOf(error: NodeJS.ErrnoException): string | undefined {
  return error.code;
}

/** Variables that say which router is meant, and are given to the command with another value than the router has. */
function settingDifferences(
  config: Config,
  env: Environment,
  { redis_url: redisUrl, database, settings }: RouterSettings,
): readonly Difference[] {
  const own = settingsOf(config);
  const different = NAMING.flatMap((variable) => {
    const [here, there] = [own[variable], settings[variable]];
    const isGiven = (env[variable] ?? "").trim() !== "";
    return isGiven && here !== there ? [{ variable, here: shown(here), there: shown(there) }] : [];
  });
  const { redisUrl: redisHere, databaseUrl } = config;
  return [
    ...(redisHere === undefined || isSameRedis(redisHere, redisUrl)
      ? []
      : [{ variable: "REDIS_URL", here: redactUrl(redisHere), there: redactUrl(redisUrl) }]),
    ...(databaseUrl === undefined || redactUrl(databaseUrl) === database
      ? []
      : [
          {
            variable: "DATABASE_URL",
            here: redactUrl(databaseUrl),
            there: database ?? "not set (the embedded database)",
          },
        ]),
    ...different,
  ];
}

interface Difference {
  readonly variable: string;
  readonly here: string;
  readonly there: string;
}

const NAMING = ["DATABASE_SCHEMA", "KEY_PREFIX", "GROUP_SUFFIX", "SHADOW"];

function shown(value: string | undefined): string {
  return value === undefined || value === "" ? "not set" : value;
}

function differentText(differences: readonly Difference[], pid: number): string {
  return [
    `this command does not mean the router that runs in this folder (process ${pid}):`,
    ...differences.map(
      ({ variable, here, there }) =>
        `  ${variable} is ${here} for this command, and ${there} for that router`,
    ),
    "Unset these variables to work with that router; set both REDIS_URL and DATABASE_URL to work with another one",
  ].join("\n");
}
