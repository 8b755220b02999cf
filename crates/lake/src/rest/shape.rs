//! What a table of the catalog is like, and what it lacks.
//!
//! A catalog gives columns ids of its own when it makes a table, and others may add columns: columns are
//! found by name, and files are written with the catalog's ids.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use event::Kind;
use iceberg::spec::{
    FormatVersion, NestedField, PartitionSpecRef, PrimitiveType, Schema as IcebergSchema,
    TableMetadata, Transform, Type, UnboundPartitionField, UnboundPartitionSpec,
};
use iceberg::{TableRequirement, TableUpdate};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::Table;
use crate::day::Partition;
use crate::projection::schema;

/// How files of a table are written.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The table's columns under the catalog's ids.
    pub(super) schema: SchemaRef,
    kinds: HashMap<i32, Kind>,
    /// The partition spec of files of one day.
    day_spec: i32,
    /// That of files of no one day.
    shared_spec: i32,
    /// The sort order, where the catalog knows it.
    sort_order: Option<i32>,
}

/// What a table is found to be.
#[derive(Debug)]
pub(super) enum Found {
    Good(Shape),
    /// What must be changed first.
    Lacking(Vec<TableRequirement>, Vec<TableUpdate>),
}

impl Shape {
    /// Looks at a table.
    ///
    /// # Errors
    /// Says in a line what nobody but an operator can put right.
    pub(super) fn of(table: &'static Table, metadata: &TableMetadata) -> Result<Found, String> {
        if metadata.format_version() != FormatVersion::V2 {
            return Err(format!(
                "it has Iceberg's format {}, and only version 2 can be written",
                metadata.format_version()
            ));
        }
        let missing = missing_columns(table, metadata.current_schema())?;
        if !missing.is_empty() {
            return add_columns(metadata, &missing).map_err(|error| error.to_string());
        }
        let specs = Specs::of(table, metadata);
        let (Some(day), Some(shared)) = (specs.day, specs.shared) else {
            return specs.add(table, metadata).map_err(|error| error.to_string());
        };
        let id = |name: &str| metadata.current_schema().field_id_by_name(name).unwrap_or_default();
        let field = |field: &Arc<Field>| {
            let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), id(field.name()).to_string());
            field.as_ref().clone().with_metadata(HashMap::from([id]))
        };
        let fields: Vec<Field> = table.schema().fields().iter().map(field).collect();
        Ok(Found::Good(Self {
            schema: Arc::new(Schema::new(fields)),
            kinds: table.columns().iter().map(|column| (id(column.name), column.kind)).collect(),
            day_spec: day,
            shared_spec: shared,
            sort_order: sort_order(table, metadata),
        }))
    }

    pub(super) fn kind_of(&self, id: i32) -> Option<Kind> {
        self.kinds.get(&id).copied()
    }

    pub(super) const fn spec_id(&self, partition: Partition) -> i32 {
        match partition {
            Partition::Day(_) => self.day_spec,
            Partition::Shared => self.shared_spec,
        }
    }

    pub(super) fn sort_order_id(&self, table: &Table, partition: Partition) -> Option<i32> {
        self.sort_order.filter(|_| table.is_sorted_in(partition))
    }
}

/// Our columns that a table has not.
fn missing_columns(
    table: &'static Table,
    schema: &IcebergSchema,
) -> Result<Vec<&'static crate::table::Column>, String> {
    let mut missing = Vec::new();
    for column in table.columns() {
        let name = column.name;
        let Some(field) = schema.field_by_name(name) else {
            missing.push(column);
            continue;
        };
        let wanted = schema::kind(column.kind);
        if *field.field_type != Type::Primitive(wanted.clone()) {
            return Err(format!("its column {name} is {}, not {wanted}", field.field_type));
        }
        if field.required && !column.required {
            return Err(format!("its column {name} is required, and may have to be NULL"));
        }
    }
    let is_unknown = |name: &str| table.columns().iter().all(|column| column.name != name);
    let mut others = schema.as_struct().fields().iter();
    match others.find(|field| field.required && is_unknown(&field.name)) {
        Some(field) => Err(format!("its column {} is required, and not known here", field.name)),
        None => Ok(missing),
    }
}

/// Adds columns behind those that are there, as columns that may be NULL: rows have none yet.
fn add_columns(
    metadata: &TableMetadata,
    missing: &[&crate::table::Column],
) -> iceberg::Result<Found> {
    let present = metadata.current_schema();
    let last = metadata.last_column_id();
    let added = (last + 1..).zip(missing).map(|(id, column)| {
        let kind: PrimitiveType = schema::kind(column.kind);
        let field = NestedField::optional(id, column.name, Type::Primitive(kind));
        Arc::new(field.with_doc(column.doc))
    });
    let next = metadata.schemas_iter().map(|schema| schema.schema_id()).max().unwrap_or(-1) + 1;
    let schema = IcebergSchema::builder()
        .with_schema_id(next)
        .with_fields(present.as_struct().fields().iter().cloned().chain(added))
        .with_identifier_field_ids(present.identifier_field_ids())
        .build()?;
    let requirements = vec![
        TableRequirement::UuidMatch { uuid: metadata.uuid() },
        TableRequirement::CurrentSchemaIdMatch { current_schema_id: present.schema_id() },
        TableRequirement::LastAssignedFieldIdMatch { last_assigned_field_id: last },
    ];
    let updates =
        vec![TableUpdate::AddSchema { schema }, TableUpdate::SetCurrentSchema { schema_id: -1 }];
    Ok(Found::Lacking(requirements, updates))
}

/// The partition specs that files need, where the table has them.
struct Specs {
    day: Option<i32>,
    shared: Option<i32>,
}

impl Specs {
    fn of(table: &Table, metadata: &TableMetadata) -> Self {
        let time = metadata.current_schema().field_id_by_name(table.time().name);
        let is_by_day = |spec: &&PartitionSpecRef| match spec.fields() {
            [field] => field.transform == Transform::Day && Some(field.source_id) == time,
            _ => false,
        };
        let specs = || metadata.partition_specs_iter();
        let shared = specs().find(|spec| spec.is_unpartitioned()).map(|spec| spec.spec_id());
        match table.is_by_day() {
            true => Self { day: specs().find(is_by_day).map(|spec| spec.spec_id()), shared },
            false => Self { day: shared, shared },
        }
    }

    fn add(&self, table: &Table, metadata: &TableMetadata) -> iceberg::Result<Found> {
        let next = metadata.partition_specs_iter().map(|spec| spec.spec_id()).max().unwrap_or(-1);
        let mut wanted = Vec::new();
        if self.day.is_none() && table.is_by_day() {
            let schema = metadata.current_schema();
            let field = UnboundPartitionField {
                source_id: schema.field_id_by_name(table.time().name).unwrap_or_default(),
                field_id: Some(metadata.last_partition_id() + 1),
                name: table.day_field().to_owned(),
                transform: Transform::Day,
            };
            wanted.push(UnboundPartitionSpec::builder().add_partition_fields([field])?.build());
        }
        if self.shared.is_none() {
            wanted.push(UnboundPartitionSpec::builder().build());
        }
        let updates = (next + 1..).zip(wanted);
        let updates = updates
            .map(|(id, spec)| TableUpdate::AddSpec { spec: spec.with_spec_id(id) })
            .collect();
        let requirements = vec![
            TableRequirement::UuidMatch { uuid: metadata.uuid() },
            TableRequirement::LastAssignedPartitionIdMatch {
                last_assigned_partition_id: metadata.last_partition_id(),
            },
        ];
        Ok(Found::Lacking(requirements, updates))
    }
}

/// The table's sort order, if it is the one in which rows are written.
fn sort_order(table: &Table, metadata: &TableMetadata) -> Option<i32> {
    let order = metadata.default_sort_order();
    let schema = metadata.current_schema();
    let ours = table.order().map(|column| schema.field_id_by_name(column.name));
    let theirs = order
        .fields
        .iter()
        .map(|field| (field.transform == Transform::Identity).then_some(field.source_id));
    ours.eq(theirs).then(|| i32::try_from(order.order_id).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use iceberg::spec::{SortOrder, TableMetadataBuilder};

    use super::*;

    fn events() -> &'static Table {
        Table::of(event::Table::Events)
    }

    /// A table made by somebody who knew other columns.
    fn made(fields: Vec<NestedField>, version: FormatVersion) -> TableMetadata {
        let fields = fields.into_iter().map(Arc::new);
        let schema = IcebergSchema::builder().with_fields(fields).build().unwrap();
        let spec = UnboundPartitionSpec::builder().build();
        let location = "s3://bucket/events".to_owned();
        let order = SortOrder::unsorted_order();
        TableMetadataBuilder::new(schema, spec, order, location, version, HashMap::new())
            .unwrap()
            .build()
            .unwrap()
            .metadata
    }

    fn ours() -> Vec<NestedField> {
        events().columns().iter().map(schema::field).collect()
    }

    fn apply(metadata: TableMetadata, found: Found) -> TableMetadata {
        let Found::Lacking(requirements, updates) = found else { panic!("nothing is lacking") };
        for requirement in requirements {
            requirement.check(Some(&metadata)).unwrap();
        }
        let mut builder = metadata.into_builder(None);
        for update in updates {
            builder = update.apply(builder).unwrap();
        }
        builder.build().unwrap().metadata
    }

    #[test]
    fn what_is_missing_is_added_and_foreign_columns_stay() {
        let mut fields = ours();
        let last = fields.pop().unwrap();
        fields.retain(|field| field.name != "browser");
        fields
            .insert(0, NestedField::optional(900, "note", Type::Primitive(PrimitiveType::String)));
        let metadata = made(fields, FormatVersion::V2);
        let metadata = apply(metadata.clone(), Shape::of(events(), &metadata).unwrap());
        let metadata = apply(metadata.clone(), Shape::of(events(), &metadata).unwrap());
        let Found::Good(shape) = Shape::of(events(), &metadata).unwrap() else {
            panic!("still lacking")
        };
        assert_ne!(shape.spec_id(Partition::Shared), shape.spec_id(Partition::Day(crate::Day(1))));
        assert_eq!(shape.schema.fields().len(), events().schema().fields().len());
        assert!(metadata.current_schema().field_by_name("note").is_some());
        assert!(!metadata.current_schema().field_by_name(&last.name).unwrap().required);
        assert_eq!(shape.sort_order_id(events(), Partition::Day(crate::Day(1))), None);
    }

    #[test]
    fn what_cannot_be_written_is_said_in_a_line() {
        let wrong = |fields, version| Shape::of(events(), &made(fields, version)).unwrap_err();
        let text = || Type::Primitive(PrimitiveType::String);
        let mut fields = ours();
        fields[3] = NestedField::required(4, "timestamp", text());
        assert_eq!(
            wrong(fields, FormatVersion::V2),
            "its column timestamp is string, not timestamptz"
        );
        let mut fields = ours();
        fields.push(NestedField::required(900, "note", text()));
        assert!(wrong(fields, FormatVersion::V2).contains("note is required"));
        assert!(wrong(ours(), FormatVersion::V3).contains("version 2"));
    }
}
