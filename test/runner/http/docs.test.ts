import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readInstalledFile } from "../../../runner/http/docs-page.ts";
import { addDocs } from "../../../runner/http/docs.ts";
import { Problem, problemOf, problemResponse } from "../../../runner/http/problem.ts";
import { newRoutes } from "../../../runner/http/routes.ts";
import { useHttpApp } from "./http-fixture.ts";

const http = useHttpApp({ settings: { WEBHOOK_SECRET: "a-secret-for-tests" } });

/** Paths that answer without the token. */
const PUBLIC = ["/healthz", "/readyz", "/webhooks/tradingview", "/webhooks/{source}"];

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly security: readonly Record<string, unknown>[] | undefined;
  readonly responses: Readonly<Record<string, unknown>>;
}

async function document() {
  const { status, body } = await http.call("GET", "/openapi.json");
  expect(status).toBe(200);
  const operations = Object.entries<Record<string, object>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation }) as Operation),
  );
  return { body, operations };
}

describe("GET /openapi.json", () => {
  test("is OpenAPI 3.1, with the project's version and a URL that works behind any proxy", async () => {
    const { body } = await document();
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(body).toMatchObject({ openapi: "3.1.0", info: { version }, servers: [{ url: "." }] });
  });

  test("describes every route of the app except the page's files", async () => {
    const { operations } = await document();
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const routed = http.app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/docs/"))
      // With a slash at the end it is the same route.
      .filter(({ path }) => !path.endsWith("/"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
    expect(described).toEqual(expect.arrayContaining(routed));
    expect(routed.length).toBeGreaterThan(5);
  });

  test("names the security scheme of every route but the public ones", async () => {
    const { body, operations } = await document();
    expect(body.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
    const isPublic = (path: string) => PUBLIC.some((open) => path === open || path.startsWith(`${open}/`));
    for (const { path, security } of operations.filter((each) => !isPublic(each.path))) {
      expect([path, security]).toEqual([path, [{ bearer: [] }]]);
    }
    const used = operations.flatMap(({ security = [] }) => security.flatMap((each) => Object.keys(each)));
    expect(Object.keys(body.components.securitySchemes)).toEqual(expect.arrayContaining(used));
  });

  test("contains every schema that it refers to", async () => {
    const { body } = await document();
    const references = JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    const names = new Set([...references].map(([, name]) => name));
    expect(Object.keys(body.components.schemas)).toEqual(expect.arrayContaining([...names]));
    expect(names.size).toBeGreaterThan(2);
  });

  test("describes the routes of functions and ticks", async () => {
    const { body } = await document();
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(["/functions/{name}", "/functions/{name}/poll", "/tick"]),
    );
  });

  test("describes the webhook, which needs no token", async () => {
    const { body } = await document();
    for (const path of ["/webhooks/tradingview", "/webhooks/tradingview/{secret}", "/webhooks/{source}"]) {
      expect(body.paths[path].post).toMatchObject({
        security: [],
        description: expect.stringContaining("WEBHOOK_SECRET"),
      });
    }
  });

  test("describes the request of a replay and both forms of its answer", async () => {
    const { body } = await document();
    const { post } = body.paths["/replays"];
    expect(Object.keys(post.responses["200"].content)).toEqual(["application/json", "application/x-ndjson"]);
    expect(body.components.schemas.ReplayRequest).toMatchObject({
      additionalProperties: false,
      properties: {
        from: { anyOf: [{ type: "string" }, { type: "number" }] },
        ids: { type: "array", maxItems: 10_000 },
        mode: { enum: ["dry-run", "missing", "force"], default: "dry-run" },
      },
    });
  });
});

describe("GET /docs", () => {
  test("every file of the page is served, and nothing is inline or loaded from elsewhere", async () => {
    const { status, headers, body } = await http.call("GET", "/docs");
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(body).not.toMatch(/<script>|<style|https?:|\son\w+=/);
    const files = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => String(file));
    expect(files).toHaveLength(4);
    for (const file of files) {
      const answer = await http.call("GET", `/${file}`);
      expect([file, answer.status, answer.headers.get("cache-control")]).toEqual([
        file,
        200,
        "private, max-age=86400",
      ]);
    }
    const script = await http.call("GET", "/docs/start.js");
    expect(script.body).toContain('url: "openapi.json"');
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });

  test("a file that the browser already has is not sent again", async () => {
    const first = await http.call("GET", "/docs/swagger-ui.css");
    const again = await http.call("GET", "/docs/swagger-ui.css", undefined, {
      "if-none-match": first.headers.get("etag") ?? "",
    });
    expect([first.body.length > 100_000, again.status, again.body]).toEqual([true, 304, ""]);
  });

  test.each([
    "/docs/package.json",
    "/docs/index.html",
    "/docs/../package.json",
    "/docs/%2e%2e/%2e%2e/package.json",
    "/docs/..%2fpackage.json",
    "/docs/swagger-ui.css/../package.json",
    "/docs/%00",
    "/docs/constructor",
  ])("no other file is served: %s", async (path) => {
    expect(await http.call("GET", path)).toMatchObject({ status: 404, body: { code: "no_such_route" } });
  });

  test("without its package the page is 501, and the description is still served", async () => {
    const app = newRoutes();
    addDocs(app, {
      // A file that the package does not have stands for a missing package.
      readPageFile: async () => readInstalledFile("no-such-file" as "swagger-ui.css"),
    });
    app.onError((error, c) =>
      problemResponse(c, problemOf(error, { redisReady: true }) ?? new Problem(UNEXPECTED).options),
    );
    for (const path of ["/docs", "/docs/swagger-ui.css"]) {
      const response = await app.request(path);
      expect([path, response.status]).toEqual([path, 501]);
      expect(await response.json()).toMatchObject({ code: "docs_not_installed", status: 501 });
    }
    expect((await app.request("/openapi.json")).status).toBe(200);
  });
});

const UNEXPECTED = { status: 500, code: "internal_error", detail: "unexpected" } as const;
