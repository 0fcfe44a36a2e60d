import { execFileSync } from "node:child_process";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackage } from "./debian-package.ts";
import { freePort, startProcess } from "./process.ts";

/** PgBouncer in front of a Postgres: each transaction gets any of its sessions. */
export interface PgBouncer {
  /** URL of the same database through it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one in transaction mode; installs the package if the machine has none. @throws Error when that is not possible */
export async function startPgBouncer(
  databaseUrl: string,
  { sessionsMax }: { readonly sessionsMax: number },
): Promise<PgBouncer> {
  const command = pgbouncer();
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const dir = await mkdtemp(join(tmpdir(), "pgbouncer-"));
  const listenPort = await freePort();
  const config = join(dir, "pgbouncer.ini");
  const lines = [
    ["[databases]", `* = host=${hostname} port=${port} user=${username} password=${password}`],
    ["[pgbouncer]", "listen_addr = 127.0.0.1", `listen_port = ${listenPort}`, "unix_socket_dir ="],
    [
      "auth_type = any",
      "pool_mode = transaction",
      `default_pool_size = ${sessionsMax}`,
      "server_round_robin = 1",
    ],
    ["ignore_startup_parameters = extra_float_digits"],
  ].flat();
  await writeFile(config, lines.join("\n"));
  const isRoot = process.getuid?.() === 0;
  // It refuses to run as root.
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  const user = isRoot ? { uid: id("-u"), gid: id("-g") } : undefined;
  if (user !== undefined) {
    await chmod(dir, 0o755);
    await chown(config, user.uid, user.gid);
  }
  const server = await startProcess({ command, args: [config], readyText: "process up", user });
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listenPort}${pathname}`,
    async stop() {
      await server.end("SIGINT");
      await rm(dir, { recursive: true });
    },
  };
}

function pgbouncer(): string {
  const found = path();
  if (found !== undefined) return found;
  installPackage("pgbouncer");
  const installed = path();
  if (installed === undefined) throw new Error("PgBouncer was installed, but is not in /usr/sbin");
  return installed;
}

function path(): string | undefined {
  try {
    const answer = execFileSync("sh", ["-c", "PATH=$PATH:/usr/sbin command -v pgbouncer"], {
      encoding: "utf8",
    });
    return answer.trim();
  } catch {
    return undefined;
  }
}
