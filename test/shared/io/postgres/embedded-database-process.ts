import { createInterface } from "node:readline";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";

// A process that holds the embedded database in the folder given as its argument. Says `open`, or `failed` and why;
// then runs each line of its input as a statement and answers `rows` or `error`. Ends with its input.
const say = (word: string, value: unknown): void => console.log(`${word} ${JSON.stringify(value)}`);
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const [dataDir = ""] = process.argv.slice(2);
try {
  const onError = (error: Error): void => say("told", error.message);
  const db = await openDatabase({ url: undefined, dataDir, onError });
  say("open", process.pid);
  for await (const sql of createInterface({ input: process.stdin })) {
    await db.query(sql).then(
      (rows) => say("rows", rows),
      (error: unknown) => say("error", message(error)),
    );
  }
  await db.close();
} catch (error) {
  say("failed", message(error));
}
