import { describe, expect, test } from "vitest";
import { useDeadLetters } from "./dead-letters-fixture.ts";

const { cli, inStream, lettersLeft, add, running, addSignalLetter } = useDeadLetters();

describe("what cannot be retried", () => {
  test("is told line by line, and the others go on", async () => {
    await running();
    const foreign = await addSignalLetter({ uid: "a", functionName: "make-coffee" });
    const unreadable = await add("dead_letters", { stream: "signals_stream", note: "not of the router" });
    const good = await addSignalLetter({ uid: "b" });
    const { code, output } = await cli("retry", foreign, "1-1", unreadable, good);
    expect(code).toBe(1);
    expect(output).toContain(
      `${foreign}  left: this router has no function make-coffee for stream signals_stream`,
    );
    expect(output).toContain("1-1  gone: there is no dead letter with this id");
    expect(output).toContain(`${unreadable}  left: it cannot be read`);
    expect(output).toContain(`${good}  done: dispatched`);
    expect(output).toContain("1 done, 0 dead, 2 left, 1 gone");
    expect(await lettersLeft()).toBe(2);
  });

  test("is not recorded when there is nothing", async () => {
    expect(await cli("retry", "--all")).toEqual({ code: 0, output: "0 done, 0 dead, 0 left, 0 gone\n" });
    expect((await cli("retry", "1-1")).code).toBe(1);
    expect((await cli("retry")).output).toContain("expected either the ids");
    expect((await cli("retry", "--all", "1-1")).output).toContain("expected either the ids");
    expect((await cli("retry", "first")).output).toContain("an entry id such as");
    expect(await inStream("signal_results")).toEqual([]);
  });
});

describe("looking at dead letters and discarding them", () => {
  test("list, page by page, show and discard work on all there is, also on what cannot be read", async () => {
    const first = await addSignalLetter({ uid: "a" });
    const unreadable = await add("dead_letters", { stream: "signals_stream", fields: "{" });
    const last = await addSignalLetter({ uid: "b" });

    const { output } = await cli("list");
    const lines = output.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["id", last, unreadable, first, "3"]);
    expect(lines[1]).toMatch(/\d s +process-signals +signals_stream +deliveries_exhausted +5 +it failed/);
    const page = await cli("list", "--oldest", "--limit", "2");
    expect(page.output).toMatch(new RegExp(`${first}[^]*${unreadable}[^]*more with --after ${unreadable}`));
    const json = await cli("list", "--oldest", "--after", first, "--json");
    expect(JSON.parse(json.output)).toMatchObject([{ id: unreadable, raw: { fields: "{" } }, { id: last }]);

    expect((await cli("show", first)).output).toMatch(/fields\n +message +SIGNAL_1_LONG/);
    expect(await cli("show", unreadable)).toMatchObject({
      code: 0,
      output: expect.stringContaining("discarded"),
    });
    expect(await cli("show", "1-1")).toMatchObject({ code: 1, output: "there is no dead letter 1-1\n" });

    const discarded = await cli("discard", unreadable, "1-1", "--by", "ann");
    expect(discarded).toMatchObject({ code: 1, output: expect.stringContaining(`${unreadable}  discarded`) });
    expect(discarded.output).toContain("1-1  gone");
    expect(await cli("discard", "--all")).toMatchObject({
      code: 1,
      output: expect.stringContaining("--yes"),
    });
    expect(await lettersLeft()).toBe(2);
    expect((await cli("discard", "--all", "--yes")).output).toContain("2 discarded, 0 gone");
    expect(await lettersLeft()).toBe(0);
    const events = await inStream("system_events");
    expect(events.map(({ message }) => message)).toEqual([
      expect.stringContaining(`dead letter ${unreadable} (entry ? of signals_stream) was discarded by ann`),
      expect.stringContaining(first),
      expect.stringContaining(last),
    ]);
  }, 60_000);
});
