//! The command line.

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};
use event::Table;
use sink::pipelines::TableStream;

use crate::config::{SETTINGS, Setting};

/// What was asked for, with the flags that were given.
#[derive(Debug)]
pub(crate) enum Command {
    Serve(ArgMatches),
    Sql(ArgMatches),
    Persons(ArgMatches),
    PersonShow(ArgMatches),
    PersonExport(ArgMatches),
    RebuildIdentity(ArgMatches),
    KeyShow(ArgMatches),
    Doctor(ArgMatches),
    SchemaEvents,
    SchemaTables,
    SchemaPipelines(Table),
    Resend(ArgMatches),
    ConfigReference,
}

/// Parses the command line; prints help or an error and exits where that is the answer.
pub(crate) fn parse() -> Command {
    let matches = clap().get_matches();
    match matches.subcommand() {
        None => Command::Serve(matches),
        Some(("serve", flags)) => Command::Serve(flags.clone()),
        Some(("sql", flags)) => Command::Sql(flags.clone()),
        Some(("persons", flags)) => Command::Persons(flags.clone()),
        Some(("person", flags)) => match flags.subcommand() {
            Some(("export", flags)) => Command::PersonExport(flags.clone()),
            Some((_, flags)) => Command::PersonShow(flags.clone()),
            None => Command::PersonShow(flags.clone()),
        },
        Some(("rebuild", flags)) => {
            let (_, flags) = flags.subcommand().unwrap_or(("identity", flags));
            Command::RebuildIdentity(flags.clone())
        }
        Some(("doctor", flags)) => Command::Doctor(flags.clone()),
        Some(("schema", flags)) => match flags.subcommand() {
            Some(("pipelines", flags)) => {
                let name = flags.get_one::<String>("table").map(String::as_str);
                let named = |table: &Table| Some(table.name()) == name;
                let table = streamed().find(named).unwrap_or(Table::Events);
                Command::SchemaPipelines(table)
            }
            Some(("events", _)) => Command::SchemaEvents,
            _ => Command::SchemaTables,
        },
        Some(("resend", flags)) => Command::Resend(flags.clone()),
        Some(("config", _)) => Command::ConfigReference,
        Some((_, flags)) => match flags.subcommand() {
            Some((_, flags)) => Command::KeyShow(flags.clone()),
            None => Command::KeyShow(flags.clone()),
        },
    }
}

/// The tables that a pipeline can have.
fn streamed() -> impl Iterator<Item = Table> {
    [Table::Events].into_iter().chain(TableStream::ALL.map(|stream| stream.table))
}

fn clap() -> Clap {
    Clap::new("hogflare")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Web and product analytics in a data lake you own. Any PostHog SDK can point at it.")
        .after_help("Without a command it serves. Every setting is also an environment variable.")
        .args(setting_flags())
        .subcommand(
            Clap::new("serve").about("Take events and answer questions").args(setting_flags()),
        )
        .subcommand(sql())
        .subcommand(persons())
        .subcommand(
            Clap::new("person")
                .about("One person")
                .subcommand_required(true)
                .subcommand(person("show", "Show a person, its distinct ids, and what it did last"))
                .subcommand(person("export", "Write all that the lake has of a person, a row a line")),
        )
        .subcommand(
            Clap::new("rebuild")
                .about("Make again what was lost, with the server stopped")
                .subcommand_required(true)
                .subcommand(
                    Clap::new("identity")
                        .about("Make state.db again: persons and groups, from the lake and the journal")
                        .args(setting_flags_of(&["data-dir"])),
                ),
        )
        .subcommand(
            Clap::new("key").about("Keys for reading").subcommand_required(true).subcommand(
                Clap::new("show").about("Print the read key").args(setting_flags_of(&["data-dir"])),
            ),
        )
        .subcommand(
            Clap::new("doctor").about("Check configuration, disk and sinks").args(setting_flags()),
        )
        .subcommand(
            Clap::new("schema")
                .about("Schemas for other systems")
                .subcommand_required(true)
                .subcommand(
                    Clap::new("pipelines").about("Print the schema for a Cloudflare pipeline").arg(
                        Arg::new("table")
                            .value_name("TABLE")
                            .value_parser(streamed().map(Table::name).collect::<Vec<_>>())
                            .default_value(Table::Events.name())
                            .help("Whose rows the pipeline gets"),
                    ),
                )
                .subcommand(Clap::new("events").about("Print the reference of the table `events`"))
                .subcommand(Clap::new("tables").about("Print the reference of the other tables")),
        )
        .subcommand(resend())
        .subcommand(Clap::new("config").about("Print the reference of all settings"))
}

fn sql() -> Clap {
    Clap::new("sql")
        .about("Ask the lake, with the server running or not")
        .args(setting_flags_of(&["data-dir"]))
        .arg(format())
        .arg(Arg::new("query").required(true).value_name("SQL").help("A read-only query"))
}

fn persons() -> Clap {
    let text = "What a distinct id, the email or the name has in it; all without it";
    Clap::new("persons")
        .about("List persons, the newest first")
        .args(setting_flags_of(&["data-dir"]))
        .args(of_project())
        .arg(Arg::new("text").value_name("TEXT").help(text))
}

fn person(name: &'static str, about: &'static str) -> Clap {
    let id = "Its id, one that it had before a merge, or a distinct id";
    Clap::new(name)
        .about(about)
        .args(setting_flags_of(&["data-dir"]))
        .args(of_project())
        .arg(Arg::new("id").required(true).value_name("ID").help(id))
}

fn of_project() -> [Arg; 3] {
    let project = Arg::new("project")
        .long("project")
        .value_parser(clap::value_parser!(i64).range(1..))
        .default_value("1")
        .help("Number of the project");
    let limit = Arg::new("limit")
        .long("limit")
        .value_parser(clap::value_parser!(u32).range(1..=10_000))
        .default_value("100")
        .help("How many rows at most");
    [project, limit, format()]
}

fn format() -> Arg {
    Arg::new("format")
        .long("format")
        .value_parser(["table", "csv", "json", "ndjson"])
        .default_value("table")
        .help("How rows are written")
}

fn resend() -> Clap {
    Clap::new("resend")
        .about("Send rows again that a pipeline had refused (DATA_DIR/dead-letters)")
        .args(setting_flags())
        .arg(
            Arg::new("rows-per-second")
                .long("rows-per-second")
                .value_parser(clap::value_parser!(u32).range(1..))
                .default_value("1000")
                .help("How fast to send at most"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Say what is there, by reason, and send nothing"),
        )
}

fn setting_flags() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().map(flag)
}

fn setting_flags_of(flags: &[&str]) -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter(move |setting| flags.contains(&setting.flag)).map(flag)
}

fn flag(setting: &'static Setting) -> Arg {
    let default = setting.default.map(|default| format!(" [default: {default}]"));
    let help = format!("{} [env: {}]{}", setting.doc, setting.name, default.unwrap_or_default());
    Arg::new(setting.flag)
        .long(setting.flag)
        .action(ArgAction::Set)
        .value_name(if setting.secret { "SECRET" } else { "VALUE" })
        .help(help)
}
