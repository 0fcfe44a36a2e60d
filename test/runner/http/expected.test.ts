import { describe, expect, test } from "vitest";
import { TOKEN, useHttpApp } from "./http-fixture.ts";
import { readDescription, type Description, type Schema } from "./scanner/description.ts";

/** What every route answers to a wrong value says what is expected, with an example, in the words of the router. */

const SECRET = "a-secret-for-tests";
const http = useHttpApp({ settings: { WEBHOOK_SECRET: SECRET } });

const LONG = "x".repeat(3_000);
const WRONG_TEXTS = ["x y", "", "-1", "1.5", "9".repeat(30), LONG];
const WRONG_VALUES = [null, true, -1, 1.5, 1e300, "", "x y", LONG, [], [null], ["x y"], {}, { x: 1 }];
/** Words of the schema library. */
const LIBRARY = /NaN|Invalid|Too small|Too big|Unrecognized|received|>=|<=/;
const EXAMPLE = /such as \S|expected one of `/;

interface Issue {
  readonly path: string;
  readonly message: string;
}

/** The issues of a request; undefined when the answer is not 422. */
async function issuesOf(method: string, path: string, body?: unknown): Promise<Issue[] | undefined> {
  const isWebhook = path.startsWith("/webhooks/");
  const headers: Record<string, string> = {
    "if-match": "*",
    ...(isWebhook ? { authorization: `Bearer ${SECRET}` } : {}),
  };
  const answer = await http.app.request(path, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect([method, path.slice(0, 100), body, answer.status < 500]).toEqual([
    method,
    path.slice(0, 100),
    body,
    true,
  ]);
  if (answer.status === 422) return ((await answer.json()) as { issues: Issue[] }).issues;
  // Some answers have no end of their own.
  await answer.body?.cancel();
  return undefined;
}

function textFaults(where: string, issues: readonly Issue[]): string[] {
  return issues
    .filter(({ message }) => LIBRARY.test(message) || !EXAMPLE.test(message))
    .map(({ path, message }) => `${where}: ${path}: ${message.slice(0, 200)}`);
}

async function description(): Promise<Description> {
  return readDescription((await http.call("GET", "/openapi.json")).body);
}

/** The path with a valid value for each parameter but the named ones. */
function pathWith(path: string, values: Readonly<Record<string, string>>): string {
  const given = { id: "1700000000000-0", uid: "a", name: "process-signals", secret: SECRET, ...values };
  return Object.entries(given).reduce(
    (made, [name, value]) => made.replace(`{${name}}`, encodeURIComponent(value)),
    path,
  );
}

/** Parameters whose wrong values are only refused, by the same answer for all. */
const NOT_SAID: ReadonlySet<string> = new Set(["name", "secret", "source"]);

describe("a wrong value is answered with what is expected and an example", () => {
  test("in every parameter of every route", async () => {
    const faults: string[] = [];
    const { operations } = await description();
    for (const { method, path, parameters } of operations) {
      for (const { name, in: place } of [...parameters, { name: "unknown", in: "query" as const }]) {
        if (place === "header" || (place === "path" && NOT_SAID.has(name))) continue;
        let refusals = 0;
        for (const text of WRONG_TEXTS) {
          const url =
            place === "path"
              ? pathWith(path, { [name]: text })
              : `${pathWith(path, {})}?${name}=${encodeURIComponent(text)}`;
          const issues = await issuesOf(method, url);
          if (issues === undefined) continue;
          refusals += 1;
          faults.push(...textFaults(`${method} ${path} ${name}`, issues));
        }
        const isChecked = name !== "unknown" || parameters.some((parameter) => parameter.in === "query");
        if (refusals === 0 && isChecked) faults.push(`${method} ${path}: no wrong ${name} is refused`);
      }
    }
    expect(faults).toEqual([]);
  });

  test("in every member of every body", async () => {
    const faults: string[] = [];
    const { operations, definitions } = await description();
    for (const { method, path, bodySchema } of operations) {
      // What a webhook source expects is in its row.
      if (bodySchema === undefined || path.startsWith("/webhooks/{source}")) continue;
      const url = pathWith(path, {});
      const members = [...new Set(membersIn(bodySchema, definitions)), "unknown"];
      expect(members.length).toBeGreaterThan(1);
      const bodies = members.flatMap((name) => WRONG_VALUES.map((value) => ({ [name]: value })));
      const nested = WRONG_VALUES.flatMap((value) => [
        { entries: [{ fields: value }] },
        { entries: [{ id: value, fields: { a: "b" } }] },
        { ids: [value] },
        { uids: [value] },
      ]);
      let refusals = 0;
      for (const body of [...WRONG_VALUES, ...bodies, ...nested]) {
        const issues = await issuesOf(method, url, body);
        if (issues === undefined) continue;
        refusals += 1;
        faults.push(...textFaults(`${method} ${path}`, issues));
      }
      expect([path, refusals > members.length]).toEqual([path, true]);
    }
    expect([...new Set(faults)]).toEqual([]);
  });

  test("strategy=name says that an id or a name is expected", async () => {
    expect(await issuesOf("GET", "/signals?strategy=name")).toEqual([
      {
        path: "strategy",
        message:
          'no strategy has the name "name": the closest is "strategy 10"; expected the id of a strategy, a whole number from 1 to 2147483647, or the name of one, such as 4',
      },
    ]);
  });

  test("a misspelt member is named, with those there are", async () => {
    expect(await issuesOf("POST", "/pause", { strateggy: 4 })).toEqual([
      {
        path: "",
        message: 'not known: "strateggy"; expected only strategy, by, such as {"strategy": 4, "by": "ann"}',
      },
    ]);
  });
});

/** Names of the members of a schema, in each of its alternatives. */
function membersIn(schema: Schema, definitions: Description["definitions"]): string[] {
  const { $ref, anyOf, properties } = schema;
  if (typeof $ref === "string") {
    const definition = definitions[$ref.split("/").at(-1) ?? ""];
    return definition === undefined ? [] : membersIn(definition, definitions);
  }
  if (Array.isArray(anyOf)) return anyOf.flatMap((each: Schema) => membersIn(each, definitions));
  return Object.keys(properties ?? {});
}
