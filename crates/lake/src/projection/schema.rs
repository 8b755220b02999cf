//! The table's Iceberg schema, its two partition specs and its sort order.

use std::sync::Arc;

use event::{COLUMNS, Column, Kind};
use iceberg::spec::{
    NestedField, NullOrder, PartitionSpec, PrimitiveType, Schema, SchemaRef, SortDirection,
    SortField, SortOrder, Transform, Type, UnboundPartitionSpec,
};

use crate::day::Partition;
use crate::schema::{SORT, TIMESTAMP};

/// The spec of files of one day.
const DAY_SPEC: i32 = 0;
/// The spec of files that days share.
const SHARED_SPEC: i32 = 1;
/// The only sort order.
pub(super) const SORT_ORDER: i32 = 1;

const DAY_FIELD: i32 = 1_000;
const DAY_NAME: &str = "timestamp_day";

pub(super) fn schema() -> iceberg::Result<SchemaRef> {
    let fields = COLUMNS.iter().map(|column| Arc::new(field(column)));
    Schema::builder().with_schema_id(0).with_fields(fields).build().map(Arc::new)
}

fn field(column: &Column) -> NestedField {
    let kind = match column.kind {
        Kind::Text | Kind::Json => PrimitiveType::String,
        Kind::Integer => PrimitiveType::Long,
        Kind::Timestamp => PrimitiveType::Timestamptz,
    };
    NestedField::new(column.id, column.name, Type::Primitive(kind), column.required)
        .with_doc(column.doc)
}

/// The spec of a partition's files.
pub(super) fn spec(partition: Partition) -> iceberg::Result<PartitionSpec> {
    match partition {
        Partition::Day(_) => day_spec()?.bind(schema()?),
        Partition::Shared => Ok(PartitionSpec::unpartition_spec().with_spec_id(SHARED_SPEC)),
    }
}

pub(super) const fn spec_id(partition: Partition) -> i32 {
    match partition {
        Partition::Day(_) => DAY_SPEC,
        Partition::Shared => SHARED_SPEC,
    }
}

pub(super) fn day_spec() -> iceberg::Result<UnboundPartitionSpec> {
    let field = iceberg::spec::UnboundPartitionField {
        source_id: COLUMNS[TIMESTAMP].id,
        field_id: Some(DAY_FIELD),
        name: DAY_NAME.to_owned(),
        transform: Transform::Day,
    };
    let spec = UnboundPartitionSpec::builder().with_spec_id(DAY_SPEC);
    Ok(spec.add_partition_fields([field])?.build())
}

pub(super) fn shared_spec() -> UnboundPartitionSpec {
    UnboundPartitionSpec::builder().with_spec_id(SHARED_SPEC).build()
}

pub(super) fn sort_order() -> iceberg::Result<SortOrder> {
    let field = |position: usize| SortField {
        source_id: COLUMNS[position].id,
        transform: Transform::Identity,
        direction: SortDirection::Ascending,
        null_order: NullOrder::First,
    };
    let mut order = SortOrder::builder();
    order.with_order_id(i64::from(SORT_ORDER)).with_fields(SORT.map(field).to_vec());
    order.build(&*schema()?)
}
