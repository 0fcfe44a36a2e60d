import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { etag } from "hono/etag";
import packageJson from "../../package.json" with { type: "json" };
import {
  PAGE_FILES,
  PAGE_HTML,
  PAGE_POLICY,
  PAGE_SCRIPT,
  readInstalledFile,
  type PageFile,
  type ReadPageFile,
} from "./docs-page.ts";
import { BEARER, json, newRoutes, problems, type AppEnv } from "./routes.ts";

/** Adds `GET /openapi.json`, built from all routes of the app, and `GET /docs`, a page to try them. */
export function addDocs(
  app: OpenAPIHono<AppEnv>,
  { readPageFile = readInstalledFile }: { readonly readPageFile?: ReadPageFile } = {},
): void {
  addDocument(app);
  addPage(app, readPageFile);
}

const common = { method: "get" as const, security: BEARER, tags: ["operations"] };

/** The routes need the token, so no cache but the browser's own may keep the answers. */
const CACHE = { "cache-control": "private, max-age=86400" };

function addDocument(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "the value of HTTP_TOKEN",
  });
  const route = createRoute({
    ...common,
    path: "/openapi.json",
    summary: "This description",
    responses: { 200: json(z.object({ openapi: z.string() }), "OpenAPI 3.1"), ...problems(401) },
  });
  // Built at the first request, when the app has all its routes.
  let document: ReturnType<typeof documentOf> | undefined;
  app.route(
    "/",
    newRoutes().openapi(route, (c) => c.json((document ??= documentOf(app)), 200)),
  );
}

function documentOf(app: OpenAPIHono<AppEnv>) {
  const { version, description } = packageJson;
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "signal router", version, description },
    servers: [{ url: "." }],
  });
}

function addPage(app: OpenAPIHono<AppEnv>, readPageFile: ReadPageFile): void {
  const route = createRoute({
    ...common,
    path: "/docs",
    summary: "A page to read and try this description",
    responses: {
      200: { description: "the page", content: { "text/html": { schema: z.string() } } },
      ...problems(401, 501),
    },
  });
  const page = newRoutes().openapi(route, async (c) => {
    // An error is better than a page without its script.
    await readPageFile("swagger-ui-bundle.js");
    return c.html(PAGE_HTML, 200, { "content-security-policy": PAGE_POLICY });
  });
  page.get("/docs/start.js", (c) =>
    c.body(PAGE_SCRIPT, 200, { ...CACHE, "content-type": "text/javascript; charset=utf-8" }),
  );
  for (const name of Object.keys(PAGE_FILES) as PageFile[]) {
    page.get(`/docs/${name}`, etag(), async (c) =>
      c.body(await readPageFile(name), 200, { ...CACHE, "content-type": PAGE_FILES[name] }),
    );
  }
  app.route("/", page);
}
