//! The structs of the format, as far as the decoder reads them, with the types of their fields
//! (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>).
//!
//! [`StructForm::check`] compares bytes with these tables.

use ValueForm::{Boolean, Byte, Bytes, Double, Integer, List, Long, Note, Struct};

/// A struct of the format.
#[derive(Debug)]
pub(crate) struct StructForm {
    pub(crate) name: &'static str,
    /// The fields with known types, in the order of their numbers. Other fields are passed over.
    pub(crate) fields: &'static [FieldForm],
}

#[derive(Debug)]
pub(crate) struct FieldForm {
    pub(crate) id: i16,
    pub(crate) name: &'static str,
    pub(crate) value: ValueForm,
    /// Whether the decoder refuses the struct without it. Only items of lists need it: the decoder allocates
    /// memory for as many as the list claims before it reads the first.
    pub(crate) is_required: bool,
}

#[derive(Debug)]
pub(crate) enum ValueForm {
    Boolean,
    Byte,
    /// An integer of 16, 32 or 64 bits, all of which are written in the same way. In a list, it has 32.
    Integer,
    /// An integer of 64 bits in a list.
    Long,
    Double,
    /// Bytes, or a text.
    Bytes,
    /// A text that is nothing but a note. Some programs keep bytes there that are no text.
    Note,
    Struct(&'static StructForm),
    /// A list, and the memory that the decoder takes for an item, in bytes, without the lists in it and at
    /// most a few times as much as the item itself has.
    List(&'static ValueForm, u64),
}

/// The memory for what the decoder makes of an item of a list, in bytes: its structs and the blocks of memory
/// that it has them point to. `decoded_items_take_no_more_than_is_said` compares them with the decoder.
mod size {
    /// A type in the schema as it is declared and as it is decoded, in both forms of the decoder, with its path.
    pub(super) const SCHEMA_ELEMENT: u64 = 1_600;
    pub(super) const ROW_GROUP: u64 = 160;
    pub(super) const COLUMN_CHUNK: u64 = 640;
    /// Two texts, in the decoder's metadata and in the map of notes that it makes for each schema.
    pub(super) const KEY_VALUE: u64 = 640;
    pub(super) const SORTING_COLUMN: u64 = 8;
    pub(super) const PAGE_ENCODING_STATS: u64 = 12;
    pub(super) const COLUMN_ORDER: u64 = 8;
    pub(super) const PAGE_LOCATION: u64 = 24;
    pub(super) const INTEGER: u64 = 8;
    pub(super) const TEXT: u64 = 40;
}

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
        required(
            2,
            "schema",
            List(&Struct(&SCHEMA_ELEMENT), size::SCHEMA_ELEMENT),
        ),
        required(3, "num_rows", Integer),
        required(4, "row_groups", List(&Struct(&ROW_GROUP), size::ROW_GROUP)),
        optional(
            5,
            "key_value_metadata",
            List(&Struct(&KEY_VALUE), size::KEY_VALUE),
        ),
        optional(6, "created_by", Note),
        optional(
            7,
            "column_orders",
            List(&Struct(&COLUMN_ORDER), size::COLUMN_ORDER),
        ),
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
    fields: &[required(1, "key", Note), optional(2, "value", Note)],
};

const ROW_GROUP: StructForm = StructForm {
    name: "RowGroup",
    fields: &[
        required(
            1,
            "columns",
            List(&Struct(&COLUMN_CHUNK), size::COLUMN_CHUNK),
        ),
        required(2, "total_byte_size", Integer),
        required(3, "num_rows", Integer),
        optional(
            4,
            "sorting_columns",
            List(&Struct(&SORTING_COLUMN), size::SORTING_COLUMN),
        ),
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
        required(2, "encodings", List(&Integer, size::INTEGER)),
        optional(3, "path_in_schema", List(&Bytes, size::TEXT)),
        required(4, "codec", Integer),
        required(5, "num_values", Integer),
        required(6, "total_uncompressed_size", Integer),
        required(7, "total_compressed_size", Integer),
        optional(
            8,
            "key_value_metadata",
            List(&Struct(&KEY_VALUE), size::KEY_VALUE),
        ),
        required(9, "data_page_offset", Integer),
        optional(10, "index_page_offset", Integer),
        optional(11, "dictionary_page_offset", Integer),
        optional(12, "statistics", Struct(&STATISTICS)),
        optional(
            13,
            "encoding_stats",
            List(&Struct(&PAGE_ENCODING_STATS), size::PAGE_ENCODING_STATS),
        ),
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
        optional(2, "repetition_level_histogram", List(&Long, size::INTEGER)),
        optional(3, "definition_level_histogram", List(&Long, size::INTEGER)),
    ],
};

const GEOSPATIAL_STATISTICS: StructForm = StructForm {
    name: "GeospatialStatistics",
    fields: &[
        optional(1, "bbox", Struct(&BOUNDING_BOX)),
        optional(2, "geospatial_types", List(&Integer, size::INTEGER)),
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
        required(
            1,
            "page_locations",
            List(&Struct(&PAGE_LOCATION), size::PAGE_LOCATION),
        ),
        optional(
            2,
            "unencoded_byte_array_data_bytes",
            List(&Long, size::INTEGER),
        ),
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

#[cfg(test)]
mod tests {
    use super::size;
    use parquet::file::metadata::{ColumnChunkMetaData, KeyValue, RowGroupMetaData};

    #[test]
    fn decoded_items_take_no_more_than_is_said() {
        for (said, found) in [
            (size::ROW_GROUP, size_of::<RowGroupMetaData>()),
            (size::COLUMN_CHUNK, size_of::<ColumnChunkMetaData>()),
            (size::KEY_VALUE, size_of::<KeyValue>()),
        ] {
            assert!(found as u64 <= said, "{found} {said}");
        }
    }
}
