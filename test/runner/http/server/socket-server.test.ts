import { existsSync } from "node:fs";
import { chmod, link, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchOverSocket } from "../../../../runner/cli/socket-fetch.ts";
import type { HttpServer } from "../../../../runner/http/server/server.ts";
import { startSocketServer } from "../../../../runner/http/server/socket-server.ts";
import { socketPath } from "../../../../runner/local/router-socket.ts";
import { appOf, held } from "./server-fixture.ts";

/** The socket in the data folder. */

let dataDir: string;
const servers: HttpServer[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "socket-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => server.stop({ msMax: 0 })));
  await rm(dataDir, { recursive: true, force: true });
});

async function serve(app = appOf()) {
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
  const server = await startSocketServer(app, { dataDir, logger });
  if (server !== undefined) servers.push(server);
  return { server, warnings: lines.join("") };
}

const ask = async (path: string, init?: RequestInit) =>
  fetchOverSocket(join(dataDir, "router.sock"), new Request(`http://router${path}`, init));

test("is for this user alone, answers, streams, and is gone after the stop", async () => {
  const { text, release } = held();
  const { server } = await serve(appOf(text));
  const file = join(dataDir, "router.sock");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const posted = await ask("/body", { method: "POST", body: "ü".repeat(100_000) });
  expect(await posted.text()).toBe(`got ${"ü".repeat(100_000)}`);
  const streamed = await ask("/streamed");
  const reader = streamed.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("first\n");
  const stopped = server?.stop();
  release("second\n");
  // What is in flight at the stop is finished.
  expect((await reader?.read())?.value).toBe("second\n");
  expect((await reader?.read())?.done).toBe(true);
  expect(await stopped).toBe("finished");
  expect(existsSync(file)).toBe(false);
  await expect(ask("/")).rejects.toMatchObject({ code: "ENOENT" });
});

test("replaces the file of a killed router, and leaves that of one that answers", async () => {
  const before = createServer().listen(join(dataDir, "before.sock"));
  await new Promise((resolve) => before.once("listening", resolve));
  // The other name of a socket stays when it is closed, as its only name does after a kill.
  await link(join(dataDir, "before.sock"), join(dataDir, "router.sock"));
  await new Promise((resolve) => before.close(resolve));
  expect((await serve()).warnings).toBe("");
  const second = await serve();
  expect(second.server).toBeUndefined();
  expect(second.warnings).toContain("another router answers on");
  expect((await ask("/")).status).toBe(200);
});

test("what keeps it from being served is a warning in words", async () => {
  const folder = dataDir;
  dataDir = join(folder, "missing");
  expect(await serve()).toMatchObject({
    server: undefined,
    warnings: expect.stringMatching(/commands cannot ask this router, trading goes on: .*ENOENT/),
  });
  dataDir = join(folder, "x".repeat(100));
  expect((await serve()).warnings).toMatch(/has more than 103 bytes.*shorter path; trading goes on/);
  dataDir = folder;
  await mkdir(join(folder, "router.sock"));
  await chmod(folder, 0o700);
  expect((await serve()).warnings).toContain("commands cannot ask this router");
});

test("its path is from the working directory where only that is short enough", () => {
  const long = `/${"x".repeat(95)}`;
  expect(socketPath(`${long}/.data`, long)).toBe(".data/router.sock");
  expect(socketPath(`${long}/.data`, "/")).toBeUndefined();
  expect(socketPath("/srv/.data", "/srv")).toBe("/srv/.data/router.sock");
});
