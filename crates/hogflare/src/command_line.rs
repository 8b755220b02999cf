//! The command line.

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};
use event::Table;
use sink::pipelines::TableStream;

use crate::commands::compare::{Day, Tolerance};
use crate::commands::lake::READERS;
use crate::config::{SETTINGS, Setting, duration};

/// What was asked for, with the flags that were given.
#[derive(Debug)]
pub(crate) enum Command {
    Serve(ArgMatches),
    Sql(ArgMatches),
    Persons(ArgMatches),
    PersonShow(ArgMatches),
    PersonExport(ArgMatches),
    PersonErase(&'static str, ArgMatches),
    RebuildIdentity(ArgMatches),
    KeyShow(ArgMatches),
    UserLink(ArgMatches),
    Doctor(ArgMatches),
    Health(ArgMatches),
    SchemaEvents,
    SchemaTables,
    SchemaPipelines(Table),
    LakeStats(ArgMatches),
    LakeVerify(ArgMatches),
    LakeCompact(ArgMatches),
    LakeExpire(ArgMatches),
    LakeConnect(ArgMatches),
    Backup(ArgMatches),
    Restore(ArgMatches),
    Resend(ArgMatches),
    Compare(ArgMatches),
    ImportFiles(ArgMatches),
    ImportPostHog(ArgMatches),
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
            Some(("delete", flags)) => Command::PersonErase("delete", flags.clone()),
            Some(("anonymize", flags)) => Command::PersonErase("anonymize", flags.clone()),
            Some((_, flags)) => Command::PersonShow(flags.clone()),
            None => Command::PersonShow(flags.clone()),
        },
        Some(("rebuild", flags)) => {
            let (_, flags) = flags.subcommand().unwrap_or(("identity", flags));
            Command::RebuildIdentity(flags.clone())
        }
        Some(("user", flags)) => {
            let (_, flags) = flags.subcommand().unwrap_or(("link", flags));
            Command::UserLink(flags.clone())
        }
        Some(("doctor", flags)) => Command::Doctor(flags.clone()),
        Some(("health", flags)) => Command::Health(flags.clone()),
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
        Some(("lake", flags)) => match flags.subcommand() {
            Some(("verify", flags)) => Command::LakeVerify(flags.clone()),
            Some(("compact", flags)) => Command::LakeCompact(flags.clone()),
            Some(("expire", flags)) => Command::LakeExpire(flags.clone()),
            Some(("connect", flags)) => Command::LakeConnect(flags.clone()),
            Some((_, flags)) => Command::LakeStats(flags.clone()),
            None => Command::LakeStats(flags.clone()),
        },
        Some(("backup", flags)) => Command::Backup(flags.clone()),
        Some(("restore", flags)) => Command::Restore(flags.clone()),
        Some(("import", flags)) => match flags.subcommand() {
            Some(("posthog", flags)) => Command::ImportPostHog(flags.clone()),
            Some((_, flags)) => Command::ImportFiles(flags.clone()),
            None => Command::ImportFiles(flags.clone()),
        },
        Some(("resend", flags)) => Command::Resend(flags.clone()),
        Some(("compare", flags)) => Command::Compare(flags.clone()),
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
        // Flags that a command never hears of would mean another folder than was said.
        .args_conflicts_with_subcommands(true)
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
                .subcommand(person("export", "Write all that the lake has of a person, a row a line"))
                .subcommand(erase("delete", "Delete a person, and all that it did"))
                .subcommand(erase("anonymize", "Delete a person, and keep what it did as nobody's")),
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
            Clap::new("key").about("Keys for reading and erasing").subcommand_required(true).subcommand(
                Clap::new("show").about("Print the read key").args(setting_flags_of(&["data-dir"])).arg(
                    Arg::new("admin")
                        .long("admin")
                        .action(ArgAction::SetTrue)
                        .help("Print the administrator's key, which erases"),
                ),
            ),
        )
        .subcommand(
            Clap::new("user").about("People who log in").subcommand_required(true).subcommand(
                Clap::new("link")
                    .about("Print a link by which a user chooses another password")
                    .args(setting_flags_of(&["data-dir", "public-url", "state"]))
                    .arg(Arg::new("email").required(true).value_name("EMAIL").help("Whose")),
            ),
        )
        .subcommand(
            Clap::new("doctor").about("Check configuration, disk and sinks").args(setting_flags()),
        )
        .subcommand(
            Clap::new("health")
                .about("Ask the server at APP_ADDR whether it lives; fails where it does not")
                .args(setting_flags_of(&["app-addr"])),
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
        .subcommand(lake())
        .subcommand(backup())
        .subcommand(restore())
        .subcommand(import())
        .subcommand(resend())
        .subcommand(compare())
        .subcommand(Clap::new("config").about("Print the reference of all settings"))
}

fn sql() -> Clap {
    Clap::new("sql")
        .about("Ask the lake, with the server running or not")
        .args(setting_flags_of(&["data-dir"]))
        .arg(format())
        .arg(Arg::new("query").value_name("SQL").help(
            "A read-only query; without it, one is read from standard input, or many at a terminal",
        ))
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

fn erase(name: &'static str, about: &'static str) -> Clap {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let [project, ..] = of_project();
    let id = "Its id, one that it had before a merge, or a distinct id";
    Clap::new(name)
        .about(about)
        .args(setting_flags_of(&["data-dir"]))
        .arg(project)
        .arg(flag("yes", "Do not ask"))
        .arg(flag("wait", "Wait until all of it is gone here"))
        .arg(flag("json", "Write the receipt as JSON"))
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
        .value_parser(["table", "csv", "json", "ndjson", "arrow"])
        .default_value("table")
        .help("How rows are written")
}

fn lake() -> Clap {
    let about = |name: &'static str, about: &'static str| {
        let json = "Write what was found or done as JSON";
        Clap::new(name)
            .about(about)
            .args(setting_flags_of(&["data-dir"]))
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help(json))
    };
    let rows = Arg::new("rows")
        .long("rows")
        .action(ArgAction::SetTrue)
        .help("Also read every row, and look whether files are in order");
    let age = Arg::new("older-than")
        .long("older-than")
        .value_name("DURATION")
        .value_parser(duration)
        .default_value("1h")
        .help(
            "How long the newer snapshot must be there; readers may have opened the table before",
        );
    Clap::new("lake")
        .about("Look after the lake, with the server running or not")
        .subcommand_required(true)
        .subcommand(about("stats", "Say what each table has, and what that takes"))
        .subcommand(
            about("verify", "Look whether files and metadata are what the catalog says").arg(rows),
        )
        .subcommand(about("compact", "Merge small files now, also those of today"))
        .subcommand(
            about("expire", "Let go of past snapshots, and of files that they needed").arg(age),
        )
        .subcommand(
            Clap::new("connect")
                .about("Print code by which others read the lake")
                .args(setting_flags_of(&["data-dir"]))
                .arg(
                    Arg::new("reader")
                        .required(true)
                        .value_name("READER")
                        .value_parser(READERS)
                        .help("Who is to read it"),
                ),
        )
}

fn backup() -> Clap {
    let dir = "The folder of backups, best on another disk; each becomes a folder in it";
    Clap::new("backup")
        .about("Copy the data folder, with the server running or not")
        .args(setting_flags_of(&["data-dir", "state", "journal-reserve"]))
        .arg(Arg::new("dir").required(true).value_name("DIR").help(dir))
        .arg(
            Arg::new("verify")
                .long("verify")
                .action(ArgAction::SetTrue)
                .help("Read all of the new backup once more before it counts as one"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("COUNT")
                .value_parser(clap::value_parser!(u32).range(1..))
                .help("Remove older backups in DIR, but for so many of the newest"),
        )
}

fn restore() -> Clap {
    let dir = "A backup, or a folder of backups, of which the newest is taken";
    Clap::new("restore")
        .about("Put a backup into an empty data folder, or check one")
        .args(setting_flags_of(&["data-dir"]))
        .arg(Arg::new("dir").required(true).value_name("DIR").help(dir))
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Only read the backup, and say whether it is whole"),
        )
}

fn import() -> Clap {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let map = text(
        "map",
        "COLUMN=FIELD",
        "What a column is: uuid, event, distinct_id, timestamp, …, or properties.NAME",
    );
    let files = Clap::new("files")
        .about("Bring what is in Parquet, JSON lines or CSV: exports of PostHog, and files of your own")
        .arg(
            Arg::new("path")
                .required(true)
                .num_args(1..)
                .value_name("PATH")
                .help("Files, folders or patterns"),
        )
        .arg(map.action(ArgAction::Append))
        .arg(text("time-zone", "ZONE", "The zone of times that name none, such as Europe/Berlin [default: UTC]"))
        .arg(text("time-format", "FORMAT", "How times are written, as strftime says it: %d.%m.%Y %H:%M"))
        .arg(text("delimiter", "CHARACTER", "What stands between values of CSV"))
        .args(of_import());
    let posthog = Clap::new("posthog")
        .about("Bring what a project of PostHog has, by its API")
        .arg(
            text(
                "host",
                "URL",
                "PostHog, such as https://us.posthog.com or https://eu.posthog.com",
            )
            .required(true),
        )
        .arg(
            text("project-id", "NUMBER", "The project there")
                .required(true)
                .value_parser(clap::value_parser!(u64)),
        )
        .arg(
            text(
                "personal-api-key",
                "SECRET",
                "A personal API key (phx_…) that may read the project",
            )
            .env("POSTHOG_PERSONAL_API_KEY")
            .hide_env_values(true)
            .required(true),
        )
        .arg(text("from", "TIME", "The first moment, such as 2024-01-01").required(true))
        .arg(text("to", "TIME", "The moment behind the last [default: now]"))
        .arg(
            text(
                "rows-per-query",
                "NUMBER",
                "Rows that a query may have; PostHog gives 50000 at most",
            )
            .value_parser(clap::value_parser!(u32).range(1..=50_000))
            .default_value("10000"),
        )
        .args(of_import());
    Clap::new("import")
        .about("Bring history from elsewhere, with the server running")
        .subcommand_required(true)
        .subcommand(files)
        .subcommand(posthog)
}

/// What is said of any import.
fn of_import() -> Vec<Arg> {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let seconds = clap::value_parser!(u32).range(1..);
    let own = [
        text("token", "TOKEN", "The project's key that events get [default: POSTHOG_API_KEY]"),
        text(
            "server",
            "URL",
            "The server, where it is not that of the data folder on this machine",
        ),
        text(
            "server-key",
            "SECRET",
            "A key of that server which looks after projects, or the administrator's",
        )
        .env("HOGFLARE_SERVER_KEY")
        .hide_env_values(true),
        text("ledger", "FILE", "What was brought already [default: DATA_DIR/imports/ledger.db]"),
        text(
            "rejects",
            "FILE",
            "Where rows are written that cannot be brought [default: beside the ledger]",
        ),
        text("max-errors", "NUMBER", "How many of those there may be")
            .value_parser(clap::value_parser!(u64))
            .default_value("1000"),
        text("events-per-second", "NUMBER", "How fast at most").value_parser(seconds),
        text("give-up-after", "DURATION", "How long a server may be away")
            .value_parser(duration)
            .default_value("10m"),
        flag(
            "keep-persons",
            "Known persons and groups keep their properties, as newer events came already",
        ),
        flag("dry-run", "Count by day, and send nothing"),
    ];
    setting_flags_of(&["data-dir"]).chain(own).collect()
}

fn resend() -> Clap {
    Clap::new("resend")
        .about(
            "Send again: rows that a pipeline had refused and requests that PostHog had, or all rows of a \
             range of time",
        )
        .after_help(
            "Without --from it sends what a pipeline or PostHog had refused (DATA_DIR/dead-letters); with it, \
             events of the lake.",
        )
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
                .help("Say what is there, and send nothing"),
        )
        .args(of_range())
}

/// What tells a range of rows.
fn of_range() -> [Arg; 6] {
    let time = |name: &'static str, other: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("TIME").requires(other).help(help)
    };
    let of_range = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).requires("from").help(help)
    };
    [
        time(
            "from",
            "to",
            "Send events from this time on, such as 2026-11-23 or 2026-11-23T14:00:00Z",
        ),
        time("to", "from", "Up to before this time"),
        of_range("by", "WHICH", "Which time: when they happened, or when they were received")
            .value_parser(["timestamp", "received"]),
        of_range("sink", "NAME", "One stream; all that get events without it"),
        of_range(
            "where",
            "COLUMN=VALUE",
            "Only events with this value; may be given several times",
        )
        .action(ArgAction::Append),
        of_range("token", "TOKEN", "Only events of this project"),
    ]
}

fn compare() -> Clap {
    let day = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .required(true)
            .value_name("DAY")
            .value_parser(str::parse::<Day>)
            .help(help)
    };
    let [project, ..] = of_project();
    Clap::new("compare")
        .about("Compare how many events there are here and in a PostHog, by day and event")
        .after_help(
            "POSTHOG_PERSONAL_API_KEY must be a key that may ask that PostHog. Exits with 0 where all is equal, \
             with 1 where something differs, and with 2 where it cannot be told.",
        )
        .args(setting_flags_of(&["data-dir"]))
        .arg(project)
        .arg(day("from", "The first day, in UTC, such as 2026-11-01"))
        .arg(day("to", "The last day"))
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("URL")
                .default_value("https://us.posthog.com")
                .help("Where PostHog's pages are"),
        )
        .arg(
            Arg::new("project-id")
                .long("project-id")
                .required(true)
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(u64).range(1..))
                .help("Number of the project there"),
        )
        .arg(
            Arg::new("tolerance")
                .long("tolerance")
                .value_name("PERCENT")
                .default_value("0")
                .value_parser(str::parse::<Tolerance>)
                .help("How much the counts of a day and event may differ"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_parser(["table", "csv", "json"])
                .default_value("table")
                .help("How it is written: as a table only what differs"),
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
