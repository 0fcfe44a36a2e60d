import type { Command } from "commander";
import type { CommandIo } from "../command-io.ts";
import { listSources } from "./list.ts";
import { trySource } from "./try.ts";

/** `cli sources …`: who may send alerts, and what a body would become. */
export function addSourceCommands(program: Command, io: CommandIo): void {
  const sources = program
    .command("sources")
    .description("webhook sources: how the bodies of senders become signals");
  sources
    .command("list")
    .description("print the webhook sources, and whether they have a secret")
    .option("--json", "as JSON", false)
    .action(async (options: { json: boolean }) => listSources(options, io));
  sources
    .command("try")
    .description("show what a body would become, or why it would be refused; adds nothing to a stream")
    .argument("<name>", "name of a source, such as tradingview")
    .argument("[file]", "a file with the body", "-")
    .option("--json", "as JSON", false)
    .addHelpText("after", TRY_HELP)
    .action(async (name: string, file: string, options: { json: boolean }) =>
      trySource({ name, file }, options, io),
    );
}

const TRY_HELP = `
Without a file the body is read from standard input: cli sources try my-bot < body.json
Exit codes: 0 it would be accepted; 1 it would be refused; 2 the environment is not valid.`;
