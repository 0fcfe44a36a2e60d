import { Argument, InvalidArgumentError, type Command } from "commander";
import { ADOPTIONS, type Adoption } from "../../shared/io/streams/foreign-consumers.ts";
import type { Connection } from "./connection.ts";
import { adoptEntries, createLostGroup, listGroups, type CreateGroupOptions } from "./groups.ts";
import { REMOVABLE, removeUnreadGroup } from "./remove-group.ts";

/** `cli groups …` */
export function addGroupCommands(program: Command, onRedis: OnRedis): void {
  const groups = program.command("groups").description("the router's consumer groups");
  groups
    .command("list")
    .description("print the unread and pending entries of each group")
    .action(async () => onRedis(listGroups));
  groups
    .command("create")
    .description("create a lost group again; outcome_collector also when it is there")
    .argument("<group>", "signal_processor, strategy_executor, log_writer or outcome_collector")
    .requiredOption(
      "--from <place>",
      "0: all entries of the stream again; $: only new entries; an entry id: the entries after it",
      startPlace,
    )
    .option("--stream <stream>", "the stream, for log_writer and other groups that read several")
    .action(async (name: string, options: CreateGroupOptions) =>
      onRedis(async (connection) => createLostGroup(connection, name, options)),
    );

  groups
    .command("adopt")
    .description("say what is to become of entries that another program has left pending in a group")
    .argument("<group>", "signal_processor, strategy_executor or log_writer")
    .addArgument(
      new Argument(
        "<answer>",
        "acknowledge: they are done, their ids are recorded; decide: routers process them",
      ).choices(ADOPTIONS),
    )
    .option("--by <name>", "who says so (default: the user of this shell)")
    .action(async (name: string, answer: Adoption, options: { by?: string }) =>
      onRedis(async (connection) => adoptEntries(connection, name, answer, options)),
    );

  groups
    .command("remove")
    .description("remove a group that no router reads any longer, so that nothing is kept for it")
    .addArgument(new Argument("<group>", "the group").choices(REMOVABLE))
    .option("--by <name>", "who says so (default: the user of this shell)")
    .action(async (name: (typeof REMOVABLE)[number], options: { by?: string }) =>
      onRedis(async (connection) => removeUnreadGroup(connection, name, options)),
    );
}

/** Runs a command on the router's Redis. */
export type OnRedis = (command: (connection: Connection) => Promise<void>) => Promise<void>;

function startPlace(text: string): string {
  if (!/^(0|\$|\d+-\d+)$/.test(text)) throw new InvalidArgumentError("Expected 0, $ or an entry id.");
  return text;
}
