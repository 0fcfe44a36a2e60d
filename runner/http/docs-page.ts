import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Problem } from "./problem.ts";

/** The page at `GET /docs`, and its files from the package swagger-ui-dist with their media types; no others are served. */
export const PAGE_FILES = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
} as const;
export type PageFile = keyof typeof PAGE_FILES;

/** Reads one of the page's files. */
export type ReadPageFile = (name: PageFile) => Promise<Uint8Array<ArrayBuffer>>;

/** Everything is loaded from the router itself, and nothing is inline. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Links are relative, so that the page also works below a path of a proxy. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>signal router</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

/** Without `validatorUrl: null` the page would send the document's URL to a validator on the internet. */
export const PAGE_SCRIPT = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
`;

/** Reads from the installed package. @throws Problem when it is not installed, as in a bundle for serverless platforms */
export const readInstalledFile: ReadPageFile = async (name) => {
  try {
    const path = createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    throw new Problem({
      status: 501,
      code: "docs_not_installed",
      detail: "this deployment does not contain the files of the page",
      hint: "GET /openapi.json has the same content, for any OpenAPI viewer",
    });
  }
};

/** A bundle in CommonJS has no `import.meta.url`, which `createRequire` refuses as an invalid argument. */
function isNotInstalled(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "MODULE_NOT_FOUND" || code === "ENOENT" || code === "ERR_INVALID_ARG_VALUE";
}
