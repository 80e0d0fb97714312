//! The structs of the format, as far as the decoder reads them, with the types of their fields
//! (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>).
//!
//! The decoder reads a field that it knows as the type that it expects, whatever type the bytes name, and
//! passes over a list of booleans without reading a byte for each. So it may take made-up bytes for lists of
//! billions of items. The decoder reads bytes that this module accepts as they are walked here, so their
//! size bounds the time and the memory that decoding takes.

use crate::thrift::{BINARY, BOOLEAN, DOUBLE, LIST, STRUCT, Thrift};

/// A struct of the format.
#[derive(Debug)]
pub(crate) struct StructForm {
    name: &'static str,
    /// The fields with known types, in the order of their numbers. Other fields are passed over.
    fields: &'static [FieldForm],
}

#[derive(Debug)]
struct FieldForm {
    id: i16,
    name: &'static str,
    value: ValueForm,
    /// Whether the decoder refuses the struct without it. Only items of lists need it: the decoder allocates
    /// memory for as many as the list claims before it reads the first.
    is_required: bool,
}

#[derive(Debug)]
enum ValueForm {
    Boolean,
    Byte,
    /// An integer of 16, 32 or 64 bits. All are written in the same way.
    Integer,
    Double,
    /// Bytes, or a text.
    Bytes,
    Struct(&'static StructForm),
    List(&'static ValueForm),
}

use ValueForm::{Boolean, Byte, Bytes, Double, Integer, List, Struct};

const fn required(id: i16, name: &'static str, value: ValueForm) -> FieldForm {
    FieldForm {
        id,
        name,
        value,
        is_required: true,
    }
}

const fn optional(id: i16, name: &'static str, value: ValueForm) -> FieldForm {
    FieldForm {
        id,
        name,
        value,
        is_required: false,
    }
}

/// What a footer is.
pub(crate) const FILE_METADATA: StructForm = StructForm {
    name: "FileMetaData",
    fields: &[
        required(1, "version", Integer),
        required(2, "schema", List(&Struct(&SCHEMA_ELEMENT))),
        required(3, "num_rows", Integer),
        required(4, "row_groups", List(&Struct(&ROW_GROUP))),
        optional(5, "key_value_metadata", List(&Struct(&KEY_VALUE))),
        optional(6, "created_by", Bytes),
        optional(7, "column_orders", List(&Struct(&COLUMN_ORDER))),
        optional(9, "footer_signing_key_metadata", Bytes),
    ],
};

const SCHEMA_ELEMENT: StructForm = StructForm {
    name: "SchemaElement",
    fields: &[
        optional(1, "type", Integer),
        optional(2, "type_length", Integer),
        optional(3, "repetition_type", Integer),
        required(4, "name", Bytes),
        optional(5, "num_children", Integer),
        optional(6, "converted_type", Integer),
        optional(7, "scale", Integer),
        optional(8, "precision", Integer),
        optional(9, "field_id", Integer),
        optional(10, "logicalType", Struct(&LOGICAL_TYPE)),
    ],
};

/// A union, of which most members are structs without fields.
const LOGICAL_TYPE: StructForm = StructForm {
    name: "LogicalType",
    fields: &[
        optional(1, "STRING", Struct(&EMPTY)),
        optional(2, "MAP", Struct(&EMPTY)),
        optional(3, "LIST", Struct(&EMPTY)),
        optional(4, "ENUM", Struct(&EMPTY)),
        optional(5, "DECIMAL", Struct(&DECIMAL_TYPE)),
        optional(6, "DATE", Struct(&EMPTY)),
        optional(7, "TIME", Struct(&TIME_TYPE)),
        optional(8, "TIMESTAMP", Struct(&TIME_TYPE)),
        optional(10, "INTEGER", Struct(&INT_TYPE)),
        optional(11, "UNKNOWN", Struct(&EMPTY)),
        optional(12, "JSON", Struct(&EMPTY)),
        optional(13, "BSON", Struct(&EMPTY)),
        optional(14, "UUID", Struct(&EMPTY)),
        optional(15, "FLOAT16", Struct(&EMPTY)),
        optional(16, "VARIANT", Struct(&VARIANT_TYPE)),
        optional(17, "GEOMETRY", Struct(&GEOGRAPHY_TYPE)),
        optional(18, "GEOGRAPHY", Struct(&GEOGRAPHY_TYPE)),
        optional(19, "FILE", Struct(&EMPTY)),
    ],
};

/// The struct of a member of a union that says everything by being there.
const EMPTY: StructForm = StructForm {
    name: "an empty struct",
    fields: &[],
};

const DECIMAL_TYPE: StructForm = StructForm {
    name: "DecimalType",
    fields: &[
        optional(1, "scale", Integer),
        optional(2, "precision", Integer),
    ],
};

const TIME_TYPE: StructForm = StructForm {
    name: "TimeType",
    fields: &[
        optional(1, "isAdjustedToUTC", Boolean),
        optional(2, "unit", Struct(&TIME_UNIT)),
    ],
};

const TIME_UNIT: StructForm = StructForm {
    name: "TimeUnit",
    fields: &[
        optional(1, "MILLIS", Struct(&EMPTY)),
        optional(2, "MICROS", Struct(&EMPTY)),
        optional(3, "NANOS", Struct(&EMPTY)),
    ],
};

const INT_TYPE: StructForm = StructForm {
    name: "IntType",
    fields: &[
        optional(1, "bitWidth", Byte),
        optional(2, "isSigned", Boolean),
    ],
};

const VARIANT_TYPE: StructForm = StructForm {
    name: "VariantType",
    fields: &[optional(1, "specification_version", Byte)],
};

const GEOGRAPHY_TYPE: StructForm = StructForm {
    name: "GeographyType",
    fields: &[optional(1, "crs", Bytes), optional(2, "algorithm", Integer)],
};

const COLUMN_ORDER: StructForm = StructForm {
    name: "ColumnOrder",
    fields: &[
        optional(1, "TYPE_ORDER", Struct(&EMPTY)),
        optional(2, "IEEE_754_TOTAL_ORDER", Struct(&EMPTY)),
        optional(3, "INT96_TIMESTAMP_ORDER", Struct(&EMPTY)),
    ],
};

const KEY_VALUE: StructForm = StructForm {
    name: "KeyValue",
    fields: &[required(1, "key", Bytes), optional(2, "value", Bytes)],
};

const ROW_GROUP: StructForm = StructForm {
    name: "RowGroup",
    fields: &[
        required(1, "columns", List(&Struct(&COLUMN_CHUNK))),
        required(2, "total_byte_size", Integer),
        required(3, "num_rows", Integer),
        optional(4, "sorting_columns", List(&Struct(&SORTING_COLUMN))),
        optional(5, "file_offset", Integer),
        optional(6, "total_compressed_size", Integer),
        optional(7, "ordinal", Integer),
    ],
};

const SORTING_COLUMN: StructForm = StructForm {
    name: "SortingColumn",
    fields: &[
        required(1, "column_idx", Integer),
        required(2, "descending", Boolean),
        required(3, "nulls_first", Boolean),
    ],
};

const COLUMN_CHUNK: StructForm = StructForm {
    name: "ColumnChunk",
    fields: &[
        optional(1, "file_path", Bytes),
        required(2, "file_offset", Integer),
        required(3, "meta_data", Struct(&COLUMN_METADATA)),
        optional(4, "offset_index_offset", Integer),
        optional(5, "offset_index_length", Integer),
        optional(6, "column_index_offset", Integer),
        optional(7, "column_index_length", Integer),
        optional(9, "encrypted_column_metadata", Bytes),
    ],
};

const COLUMN_METADATA: StructForm = StructForm {
    name: "ColumnMetaData",
    fields: &[
        required(1, "type", Integer),
        required(2, "encodings", List(&Integer)),
        optional(3, "path_in_schema", List(&Bytes)),
        required(4, "codec", Integer),
        required(5, "num_values", Integer),
        required(6, "total_uncompressed_size", Integer),
        required(7, "total_compressed_size", Integer),
        optional(8, "key_value_metadata", List(&Struct(&KEY_VALUE))),
        required(9, "data_page_offset", Integer),
        optional(10, "index_page_offset", Integer),
        optional(11, "dictionary_page_offset", Integer),
        optional(12, "statistics", Struct(&STATISTICS)),
        optional(13, "encoding_stats", List(&Struct(&PAGE_ENCODING_STATS))),
        optional(14, "bloom_filter_offset", Integer),
        optional(15, "bloom_filter_length", Integer),
        optional(16, "size_statistics", Struct(&SIZE_STATISTICS)),
        optional(17, "geospatial_statistics", Struct(&GEOSPATIAL_STATISTICS)),
    ],
};

const STATISTICS: StructForm = StructForm {
    name: "Statistics",
    fields: &[
        optional(1, "max", Bytes),
        optional(2, "min", Bytes),
        optional(3, "null_count", Integer),
        optional(4, "distinct_count", Integer),
        optional(5, "max_value", Bytes),
        optional(6, "min_value", Bytes),
        optional(7, "is_max_value_exact", Boolean),
        optional(8, "is_min_value_exact", Boolean),
        optional(9, "nan_count", Integer),
    ],
};

const PAGE_ENCODING_STATS: StructForm = StructForm {
    name: "PageEncodingStats",
    fields: &[
        required(1, "page_type", Integer),
        required(2, "encoding", Integer),
        required(3, "count", Integer),
    ],
};

const SIZE_STATISTICS: StructForm = StructForm {
    name: "SizeStatistics",
    fields: &[
        optional(1, "unencoded_byte_array_data_bytes", Integer),
        optional(2, "repetition_level_histogram", List(&Integer)),
        optional(3, "definition_level_histogram", List(&Integer)),
    ],
};

const GEOSPATIAL_STATISTICS: StructForm = StructForm {
    name: "GeospatialStatistics",
    fields: &[
        optional(1, "bbox", Struct(&BOUNDING_BOX)),
        optional(2, "geospatial_types", List(&Integer)),
    ],
};

const BOUNDING_BOX: StructForm = StructForm {
    name: "BoundingBox",
    fields: &[
        optional(1, "xmin", Double),
        optional(2, "xmax", Double),
        optional(3, "ymin", Double),
        optional(4, "ymax", Double),
        optional(5, "zmin", Double),
        optional(6, "zmax", Double),
        optional(7, "mmin", Double),
        optional(8, "mmax", Double),
    ],
};

/// What begins a page.
pub(crate) const PAGE_HEADER: StructForm = StructForm {
    name: "PageHeader",
    fields: &[
        optional(1, "type", Integer),
        optional(2, "uncompressed_page_size", Integer),
        optional(3, "compressed_page_size", Integer),
        optional(4, "crc", Integer),
        optional(5, "data_page_header", Struct(&DATA_PAGE_HEADER)),
        optional(6, "index_page_header", Struct(&EMPTY)),
        optional(7, "dictionary_page_header", Struct(&DICTIONARY_PAGE_HEADER)),
        optional(8, "data_page_header_v2", Struct(&DATA_PAGE_HEADER_V2)),
    ],
};

const DATA_PAGE_HEADER: StructForm = StructForm {
    name: "DataPageHeader",
    fields: &[
        optional(1, "num_values", Integer),
        optional(2, "encoding", Integer),
        optional(3, "definition_level_encoding", Integer),
        optional(4, "repetition_level_encoding", Integer),
        optional(5, "statistics", Struct(&STATISTICS)),
    ],
};

const DICTIONARY_PAGE_HEADER: StructForm = StructForm {
    name: "DictionaryPageHeader",
    fields: &[
        optional(1, "num_values", Integer),
        optional(2, "encoding", Integer),
        optional(3, "is_sorted", Boolean),
    ],
};

const DATA_PAGE_HEADER_V2: StructForm = StructForm {
    name: "DataPageHeaderV2",
    fields: &[
        optional(1, "num_values", Integer),
        optional(2, "num_nulls", Integer),
        optional(3, "num_rows", Integer),
        optional(4, "encoding", Integer),
        optional(5, "definition_levels_byte_length", Integer),
        optional(6, "repetition_levels_byte_length", Integer),
        optional(7, "is_compressed", Boolean),
        optional(8, "statistics", Struct(&STATISTICS)),
    ],
};

/// The places of the pages of a column chunk.
pub(crate) const OFFSET_INDEX: StructForm = StructForm {
    name: "OffsetIndex",
    fields: &[
        required(1, "page_locations", List(&Struct(&PAGE_LOCATION))),
        optional(2, "unencoded_byte_array_data_bytes", List(&Integer)),
    ],
};

const PAGE_LOCATION: StructForm = StructForm {
    name: "PageLocation",
    fields: &[
        required(1, "offset", Integer),
        required(2, "compressed_page_size", Integer),
        required(3, "first_row_index", Integer),
    ],
};

impl StructForm {
    /// Checks that the bytes begin with such a struct. The error says what is wrong, and at which
    /// byte, counted from 0.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let mut walk = FormWalk {
            thrift: Thrift::new(bytes),
            length: bytes.len(),
        };
        walk.pass_struct(self)
    }
}

struct FormWalk<'a> {
    thrift: Thrift<'a>,
    length: usize,
}

impl FormWalk<'_> {
    fn at(&self) -> usize {
        self.length - self.thrift.left()
    }

    fn pass_struct(&mut self, form: &StructForm) -> Result<(), String> {
        let mut before = 0;
        // A bit for each known field.
        let mut seen = 0_u32;
        loop {
            let at = self.at();
            let field = self.thrift.field(before);
            let field = field.ok_or_else(|| format!("byte {at}: {} does not end", form.name))?;
            let Some((id, kind)) = field else {
                break;
            };
            before = id;
            let known = form.fields.iter().position(|field| field.id == id);
            let Some(index) = known else {
                let passed = self.thrift.pass(kind, 0);
                passed.ok_or_else(|| {
                    format!(
                        "byte {at}: field {id} of {} cannot be passed over",
                        form.name
                    )
                })?;
                continue;
            };
            seen |= 1 << index;
            let field = &form.fields[index];
            self.pass(&field.value, kind, || {
                format!("{} of {} (field {id})", field.name, form.name)
            })?;
        }
        let mut fields = form.fields.iter().enumerate();
        match fields.find(|(index, field)| field.is_required && seen & 1 << index == 0) {
            Some((_, field)) => Err(format!(
                "byte {}: {} has no {} (field {})",
                self.at(),
                form.name,
                field.name,
                field.id
            )),
            None => Ok(()),
        }
    }

    /// Passes over a value of this form, which the bytes say is of this kind.
    fn pass(
        &mut self,
        form: &ValueForm,
        kind: u8,
        name: impl Fn() -> String + Copy,
    ) -> Result<(), String> {
        let at = self.at();
        if !form.is_of(kind) {
            return Err(format!("byte {at}: {} is no {}", name(), form.noun()));
        }
        match form {
            Struct(form) => return self.pass_struct(form),
            List(item) => return self.pass_list(item, name),
            Boolean | Byte | Integer | Double | Bytes => {}
        }
        let passed = self.thrift.pass(kind, 0);
        passed.ok_or_else(|| format!("byte {at}: {} is not there as a whole", name()))
    }

    fn pass_list(
        &mut self,
        item: &ValueForm,
        name: impl Fn() -> String + Copy,
    ) -> Result<(), String> {
        let at = self.at();
        let list = self.thrift.list();
        let (count, kind) =
            list.ok_or_else(|| format!("byte {at}: {} is not there as a whole", name()))?;
        if count > self.thrift.left() as u64 {
            return Err(format!(
                "byte {at}: {} claims {count} items, and {} bytes are left",
                name(),
                self.thrift.left()
            ));
        }
        for _ in 0..count {
            self.pass(item, kind, name)?;
        }
        Ok(())
    }
}

impl ValueForm {
    /// Whether Thrift's number for a type is this type.
    fn is_of(&self, kind: u8) -> bool {
        match self {
            Boolean => BOOLEAN.contains(&kind),
            Byte => kind == 3,
            Integer => matches!(kind, 4..=6),
            Double => kind == DOUBLE,
            Bytes => kind == BINARY,
            Struct(_) => kind == STRUCT,
            List(_) => kind == LIST,
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Boolean => "boolean",
            Byte => "byte",
            Integer => "integer",
            Double => "double",
            Bytes => "text or bytes",
            Struct(_) => "struct",
            List(_) => "list of the right type",
        }
    }
}
