//! A table's Iceberg schema, its two partition specs and its sort order.

use std::sync::Arc;

use event::Kind;
use iceberg::spec::{
    NestedField, NullOrder, PartitionSpec, PrimitiveType, Schema, SchemaRef, SortDirection,
    SortField, SortOrder, Transform, Type, UnboundPartitionSpec,
};

use crate::Table;
use crate::day::Partition;
use crate::table::Column;

/// The spec of files of one day, or of all files of a table that is not by days.
const FIRST_SPEC: i32 = 0;
/// The spec of files that days share.
const SHARED_SPEC: i32 = 1;
/// The only sort order.
pub(crate) const SORT_ORDER: i32 = 1;

const DAY_FIELD: i32 = 1_000;

pub(crate) fn schema(table: &Table) -> iceberg::Result<SchemaRef> {
    let fields = table.columns().iter().map(|column| Arc::new(field(column)));
    Schema::builder().with_schema_id(0).with_fields(fields).build().map(Arc::new)
}

pub(crate) fn field(column: &Column) -> NestedField {
    let kind = Type::Primitive(kind(column.kind));
    NestedField::new(column.id, column.name, kind, column.required).with_doc(column.doc)
}

/// The type of a column's values.
pub(crate) const fn kind(kind: Kind) -> PrimitiveType {
    match kind {
        Kind::Text | Kind::Json => PrimitiveType::String,
        Kind::Integer => PrimitiveType::Long,
        Kind::Timestamp => PrimitiveType::Timestamptz,
    }
}

/// The spec of a partition's files.
pub(crate) fn spec(table: &Table, partition: Partition) -> iceberg::Result<PartitionSpec> {
    match spec_id(table, partition) {
        FIRST_SPEC => first_spec(table)?.bind(schema(table)?),
        shared => Ok(PartitionSpec::unpartition_spec().with_spec_id(shared)),
    }
}

pub(crate) const fn spec_id(table: &Table, partition: Partition) -> i32 {
    match partition {
        Partition::Shared if table.is_by_day() => SHARED_SPEC,
        Partition::Shared | Partition::Day(_) => FIRST_SPEC,
    }
}

/// The spec that new files of other programs would have.
pub(crate) fn first_spec(table: &Table) -> iceberg::Result<UnboundPartitionSpec> {
    let spec = UnboundPartitionSpec::builder().with_spec_id(FIRST_SPEC);
    if !table.is_by_day() {
        return Ok(spec.build());
    }
    let field = iceberg::spec::UnboundPartitionField {
        source_id: table.time().id,
        field_id: Some(DAY_FIELD),
        name: table.day_field().to_owned(),
        transform: Transform::Day,
    };
    Ok(spec.add_partition_fields([field])?.build())
}

/// The spec of files that days share, where the table has days.
pub(crate) fn shared_spec(table: &Table) -> Option<UnboundPartitionSpec> {
    let spec = || UnboundPartitionSpec::builder().with_spec_id(SHARED_SPEC).build();
    table.is_by_day().then(spec)
}

pub(crate) fn sort_order(table: &Table) -> iceberg::Result<SortOrder> {
    let field = |column: &Column| SortField {
        source_id: column.id,
        transform: Transform::Identity,
        direction: SortDirection::Ascending,
        null_order: NullOrder::First,
    };
    let mut order = SortOrder::builder();
    order
        .with_order_id(i64::from(SORT_ORDER))
        .with_fields(table.order().map(field).collect::<Vec<_>>());
    order.build(&*schema(table)?)
}
