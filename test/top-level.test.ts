import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

const TOP_LEVEL = ["functions", "shared", "runner", "test"].concat([
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "README.md",
  "LICENSE",
]);

test("the top level has only the files and folders of the layout", () => {
  const names = new Set(projectFiles().map((file) => file.split("/")[0] ?? ""));
  expect([...names].filter((name) => !name.startsWith(".") && !TOP_LEVEL.includes(name))).toEqual([]);
});

/** Files that are, or would be, under version control; without git, all but those that tools create. */
function projectFiles(): string[] {
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" })
      .split("\n")
      .filter(Boolean);
  } catch {
    return readdirSync(ROOT).filter((name) => name !== "node_modules" && name !== "coverage");
  }
}
