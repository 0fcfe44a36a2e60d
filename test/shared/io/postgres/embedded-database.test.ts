import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFile } from "../../../servers/built-scripts.ts";
import { embeddedFolder } from "../../../servers/embedded-folder.ts";

/** A process that holds the embedded database. */
class Holder {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;

  constructor(dataDir: string) {
    const { path, loader } = startFile("test/shared/io/postgres/embedded-database-process.ts");
    this.#child = spawn(process.execPath, [...loader, path, dataDir]);
    this.#exit = once(this.#child, "exit");
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** The next line it prints. */
  async next(): Promise<string> {
    const line = await this.#lines.next();
    return line.done === true ? "(ended)" : line.value;
  }

  async ask(sql: string): Promise<string> {
    this.#child.stdin.write(`${sql}\n`);
    return this.next();
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends its input and waits until the process has ended. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#exit;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }
}

describe("the embedded database", () => {
  let dataDir: string;
  const holders: Holder[] = [];
  const start = (): Holder => {
    const holder = new Holder(dataDir);
    holders.push(holder);
    return holder;
  };
  beforeEach(async () => {
    dataDir = await embeddedFolder();
  });
  afterEach(async () => {
    await Promise.all(holders.splice(0).map((holder) => holder.kill()));
    await rm(dataDir, { recursive: true, force: true });
  });

  it("reports to a second process which folder is in use, by which process, and what to do", async () => {
    const first = start();
    expect(await first.next()).toBe(`open ${first.pid}`);
    const answer = await start().next();
    expect(answer).toMatch(/^failed /);
    expect(answer).toContain(join(dataDir, "postgres"));
    expect(answer).toContain(`pid ${first.pid}`);
    expect(answer).toContain("set DATABASE_URL");
    expect(await first.ask("SELECT 1 AS one")).toBe('rows [{"one":1}]');
  });

  it("is opened by exactly one of several processes that start at once", async () => {
    const answers = await Promise.all([start(), start(), start()].map((holder) => holder.next()));
    expect(answers.filter((answer) => answer.startsWith("open"))).toHaveLength(1);
    expect(answers.filter((answer) => answer.startsWith("failed"))).toHaveLength(2);
  });

  it("can be opened with all rows after its holder was killed", async () => {
    const first = start();
    await first.next();
    await first.ask("CREATE TABLE kept (id integer)");
    await first.ask("INSERT INTO kept VALUES (42)");
    await first.kill();
    const killedAt = performance.now();
    const second = start();
    expect(await second.next()).toBe(`open ${second.pid}`);
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    expect(await second.ask("SELECT id FROM kept")).toBe('rows [{"id":42}]');
  });

  it("can be opened as soon as its holder has closed it", async () => {
    const first = start();
    await first.next();
    await first.end();
    const second = start();
    expect(await second.next()).toBe(`open ${second.pid}`);
  });

  it("is no longer used by a process that was paused while another one opened it", async () => {
    const first = start();
    await first.next();
    await first.ask("CREATE TABLE kept (id integer)");
    first.send("SIGSTOP");
    const second = start();
    expect(await second.next()).toBe(`open ${second.pid}`);
    first.send("SIGCONT");
    // It reports once that it lost the database, and rejects every query; either can come first.
    const said = [await first.ask("INSERT INTO kept VALUES (1)"), await first.next()].toSorted();
    expect(said).toStrictEqual([
      expect.stringMatching(/^error .*another process opened/),
      expect.stringMatching(/^reported .*another process opened/),
    ]);
    expect(await first.ask("SELECT 1")).toMatch(/^error .*another process opened/);
    await first.end();
    expect(await second.ask("SELECT id FROM kept")).toBe("rows []");
  });
});
