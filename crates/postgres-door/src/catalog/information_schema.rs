//! `information_schema`: the same as the standard wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::error::Result;
use pgwire::api::Type;

use super::builder::Builder;
use super::pg_catalog::attributes;
use super::{DATABASE, Relation, SCHEMA};

/// What there is none of.
const EMPTY: &[(&str, &[&str])] = &[
    ("views", &["table_catalog", "table_schema", "table_name", "view_definition", "check_option"]),
    (
        "table_constraints",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
            "is_deferrable",
            "initially_deferred",
        ],
    ),
    (
        "key_column_usage",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position",
            "position_in_unique_constraint",
        ],
    ),
    (
        "constraint_column_usage",
        &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
    ),
    (
        "referential_constraints",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "unique_constraint_catalog",
            "unique_constraint_schema",
            "unique_constraint_name",
            "match_option",
            "update_rule",
            "delete_rule",
        ],
    ),
    (
        "routines",
        &["routine_catalog", "routine_schema", "routine_name", "routine_type", "data_type"],
    ),
    ("parameters", &["specific_schema", "specific_name", "parameter_name", "data_type"]),
    ("sequences", &["sequence_catalog", "sequence_schema", "sequence_name", "data_type"]),
    ("triggers", &["trigger_catalog", "trigger_schema", "trigger_name", "event_object_table"]),
];

/// All of its tables.
pub(super) fn tables(
    relations: &[Relation<'_>],
    user: &str,
) -> Result<BTreeMap<&'static str, Arc<MemTable>>> {
    let mut all = BTreeMap::from([
        ("columns", columns(relations)?),
        ("schemata", schemata(user)?),
        ("table_privileges", table_privileges(relations, user)?),
        ("tables", these(relations)?),
    ]);
    for (name, columns) in EMPTY {
        all.insert(name, Builder::new(0).no_text(columns).build()?);
    }
    Ok(all)
}

fn schemata(user: &str) -> Result<Arc<MemTable>> {
    Builder::new(3)
        .text("catalog_name", DATABASE)
        .texts("schema_name", ["pg_catalog", SCHEMA, "information_schema"])
        .text("schema_owner", user)
        .no_text(&["default_character_set_catalog", "default_character_set_schema"])
        .no_text(&["default_character_set_name", "sql_path"])
        .build()
}

fn these(relations: &[Relation<'_>]) -> Result<Arc<MemTable>> {
    Builder::new(relations.len())
        .text("table_catalog", DATABASE)
        .text("table_schema", SCHEMA)
        .texts("table_name", relations.iter().map(|relation| relation.name))
        .text("table_type", "BASE TABLE")
        .no_text(&["self_referencing_column_name", "reference_generation"])
        .no_text(&["user_defined_type_catalog", "user_defined_type_schema"])
        .no_text(&["user_defined_type_name"])
        .text("is_insertable_into", "NO")
        .text("is_typed", "NO")
        .no_text(&["commit_action"])
        .build()
}

fn table_privileges(relations: &[Relation<'_>], user: &str) -> Result<Arc<MemTable>> {
    Builder::new(relations.len())
        .text("grantor", user)
        .text("grantee", user)
        .text("table_catalog", DATABASE)
        .text("table_schema", SCHEMA)
        .texts("table_name", relations.iter().map(|relation| relation.name))
        .text("privilege_type", "SELECT")
        .text("is_grantable", "NO")
        .text("with_hierarchy", "NO")
        .build()
}

fn columns(relations: &[Relation<'_>]) -> Result<Arc<MemTable>> {
    let all = attributes(relations);
    let is_time = |kind: &Type| matches!(*kind, Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIME);
    let bits = |kind: &Type| match *kind {
        Type::INT2 => Some(16),
        Type::INT4 => Some(32),
        Type::INT8 => Some(64),
        Type::FLOAT4 => Some(24),
        Type::FLOAT8 => Some(53),
        _ => None,
    };
    Builder::new(all.len())
        .text("table_catalog", DATABASE)
        .text("table_schema", SCHEMA)
        .texts("table_name", all.iter().map(|column| column.relation.name))
        .texts("column_name", all.iter().map(|column| column.name))
        .ints("ordinal_position", all.iter().map(|column| i32::from(column.number)))
        .no_text(&["column_default"])
        .texts(
            "is_nullable",
            all.iter().map(|column| if column.is_nullable { "YES" } else { "NO" }),
        )
        .texts("data_type", all.iter().map(|column| name_of(&column.kind)))
        .some_ints("character_maximum_length", all.iter().map(|_| None))
        .some_ints("character_octet_length", all.iter().map(|_| None))
        .some_ints("numeric_precision", all.iter().map(|column| bits(&column.kind)))
        .some_ints(
            "numeric_precision_radix",
            all.iter().map(|column| bits(&column.kind).map(|_| 2)),
        )
        .some_ints("numeric_scale", all.iter().map(|column| bits(&column.kind).map(|_| 0)))
        .some_ints(
            "datetime_precision",
            all.iter().map(|column| is_time(&column.kind).then_some(6)),
        )
        .no_text(&["interval_type", "interval_precision", "character_set_catalog"])
        .no_text(&["character_set_schema", "character_set_name", "collation_catalog"])
        .no_text(&["collation_schema", "collation_name", "domain_catalog", "domain_schema"])
        .no_text(&["domain_name"])
        .text("udt_catalog", DATABASE)
        .text("udt_schema", "pg_catalog")
        .texts("udt_name", all.iter().map(|column| column.kind.name()))
        .no_text(&["scope_catalog", "scope_schema", "scope_name", "maximum_cardinality"])
        .texts("dtd_identifier", all.iter().map(|column| column.number.to_string()))
        .text("is_self_referencing", "NO")
        .text("is_identity", "NO")
        .no_text(&["identity_generation", "identity_start", "identity_increment"])
        .no_text(&["identity_maximum", "identity_minimum"])
        .text("identity_cycle", "NO")
        .text("is_generated", "NEVER")
        .no_text(&["generation_expression"])
        .text("is_updatable", "NO")
        .build()
}

/// The standard's name of a type.
fn name_of(kind: &Type) -> &str {
    match *kind {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::TIMESTAMP => "timestamp without time zone",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::TIME => "time without time zone",
        _ if kind.name().starts_with('_') => "ARRAY",
        _ => kind.name(),
    }
}
