import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandIo } from "../../../../runner/cli/command-io.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";
import { addSourceCommands } from "../../../../runner/cli/sources/commands.ts";
import { TOKEN, useHttpApp } from "../../http/http-fixture.ts";

const SECRET = "the-secret-of-texts";
const http = useHttpApp({ settings: { WEBHOOK_SECRET_TEXT: `${SECRET},another-one` } });

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sources-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(...args: string[]) {
  const printed: string[] = [];
  let code = 0;
  const io: CommandIo = {
    withRouter: async (command) =>
      command(
        routesOver(async (request) => {
          request.headers.set("authorization", `Bearer ${TOKEN}`);
          return http.app.request(request);
        }),
      ),
    print: (text) => printed.push(text),
    say: (text) => printed.push(text),
    confirm: async () => undefined,
    exitWith: (given) => {
      code = given;
    },
    user: "ann",
    columns: undefined,
  };
  const program = new Command().exitOverride();
  addSourceCommands(program, io);
  await program.parseAsync(["sources", ...args], { from: "user" });
  return { text: printed.join("\n"), code };
}

async function fileWith(body: string): Promise<string> {
  const file = join(folder, "body");
  await writeFile(file, body);
  return file;
}

test("the list says which sources have no secret, and which variable it belongs in", async () => {
  const { text } = await run("list");
  expect(text).toMatch(/^tradingview +built-in +no secret: answers 401 +set WEBHOOK_SECRET_TRADINGVIEW$/m);
  expect(text).toMatch(/^text +built-in +enabled +2, all of them valid$/m);
  expect(text).not.toContain(SECRET);
});

test("a body is shown as the signal and the decision that it would become, and nothing is added", async () => {
  const body = `SIGNAL_1_LONG BTCUSDT ${new Date().toISOString()}\n`;
  const { text, code } = await run("try", "text", await fileWith(body));
  expect(code).toBe(0);
  expect(text).toMatch(/^ {2}message +SIGNAL_1_LONG$/m);
  expect(text).toMatch(/^ {2}body +SIGNAL_1_LONG BTCUSDT \S+Z$/m);
  expect(text).toContain("would be dispatched (long of signal 1 on BTCUSDT)");
  expect(text).toContain("strategy 10 (10)  dispatched");
  expect(await http.fieldsIn("signals_stream")).toEqual([]);
  const secret = await run("try", "text", await fileWith(`message=${SECRET}\nsymbol=X`), "--json");
  expect(JSON.parse(secret.text)).toMatchObject({
    accepted: true,
    alerts: [{ decision: { reason: "unknown_phrase" } }],
  });
  expect(secret.text).not.toContain(SECRET);
});

test("why it would be refused is shown with line and column", async () => {
  const { text, code } = await run("try", "tradingview", await fileWith('{\n  "message": “LONG”}'));
  expect(code).toBe(1);
  expect(text).toContain(
    "refused with 400: the body is no valid JSON: line 2, column 14: found the typographic quote",
  );
  const fields = await run("try", "tradingview", await fileWith("[{}]"));
  expect(fields.text).toContain("  [0].symbol: missing: expected a ticker symbol");
  await expect(run("try", "nothing", await fileWith("{}"))).rejects.toThrow("no webhook source nothing");
});
