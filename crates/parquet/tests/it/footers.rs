//! Footers that no writer of this crate produces: they are read as their writers mean them, or refused before
//! the decoder takes time or memory for them.

use bytes::Bytes;
use quarry_parquet::{FileError, ParquetFile};
use std::sync::Arc;

/// Opens a file that is nothing but a footer.
fn open(footer: &[u8]) -> Result<ParquetFile, FileError> {
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    let file = [&b"PAR1"[..], footer, &length, b"PAR1"].concat();
    ParquetFile::open("x", Arc::new(Bytes::from(file)))
}

fn refusal(footer: &[u8]) -> String {
    open(footer).unwrap_err().to_string()
}

fn varint(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// Version 1, a column `a` of 64-bit integers, no rows.
const ONE_COLUMN: &[u8] =
    b"\x15\x02\x19\x2c\x48\x01r\x15\x02\x00\x15\x04\x25\x02\x18\x01a\x00\x16\x00";

/// Returns a footer without rows whose only column is below this many groups. It is written by
/// hand, because no writer would produce it.
fn deeply_nested(groups: u32) -> Vec<u8> {
    // Version 1, then the list of schema elements: the root, groups of one member each, a leaf of
    // 64-bit integers.
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    footer.extend(varint(groups + 2));
    footer.extend(b"\x48\x01r\x15\x02\x00");
    footer.extend(b"\x35\x02\x18\x01g\x15\x02\x00".repeat(groups as usize));
    footer.extend(b"\x15\x04\x25\x02\x18\x01a\x00");
    // No rows and no row groups.
    footer.extend(b"\x16\x00\x19\x0c\x00");
    footer
}

/// A stack overflow would end the process without an error that names the file.
#[test]
fn no_depth_of_groups_overflows_the_stack() {
    assert!(open(&deeply_nested(40)).is_ok());
    for groups in [41, 100, 20_000, 400_000] {
        let text = refusal(&deeply_nested(groups));
        let reason = "column \"g\": its values are nested more than 40 groups deep";
        assert!(text.contains(reason), "{text}");
    }
}

/// The decoder takes any field without a type as the end of a struct, also one with a number.
#[test]
fn no_form_of_a_footer_hides_how_deeply_its_columns_are_nested() {
    for groups in [41, 20_000, 400_000] {
        let mut footer = deeply_nested(groups);
        // The end of the first group's element.
        let group = b"\x18\x01g\x15\x02\x00";
        let at = footer.windows(6).position(|part| part == group).unwrap();
        footer[at + 5] = 0x10;
        let text = refusal(&footer);
        assert!(text.contains("nested more than"), "{text}");
    }
}

/// The decoder would allocate memory for all members that a group claims.
#[test]
fn a_group_that_claims_more_members_than_there_are_is_refused_before_they_are_allocated() {
    let footer: &[u8] =
        include_bytes!("../../../../fuzz/corpus/parquet_footer/children-of-two-billion.footer");
    assert_eq!(
        refusal(footer),
        "x: the file is damaged: its footer cannot be read: a group of its schema claims 2147483647 members, which are not \
         there; write it again"
    );
}

/// The decoder reads a field as the type that it expects, and passes over booleans of a list without
/// reading a byte for each. Two billion of them in a list take it seconds, and a small file has many lists.
#[test]
fn a_footer_with_fields_of_other_types_than_the_format_has_is_refused_before_it_is_decoded() {
    let footer = include_bytes!("../../../../fuzz/corpus/parquet_footer/lists-of-booleans.footer");
    assert_eq!(
        refusal(footer),
        "x: the file is damaged: its footer cannot be read: byte 30: logicalType of SchemaElement (field 10) is no struct; \
         write it again"
    );
}

/// Where the decoder does not know a field, it passes over its value.
#[test]
fn an_unknown_field_of_a_footer_is_passed_over_unless_it_is_a_list_of_booleans() {
    // A column `a` of 64-bit integers, no rows, no row groups, and the value of field 20.
    let with = |kind: u8, value: &[u8]| {
        let known =
            b"\x15\x02\x19\x2c\x48\x01r\x15\x02\x00\x15\x04\x25\x02\x18\x01a\x00\x16\x00\x19\x0c";
        open(&[&known[..], &[kind, 40], value, b"\x00"].concat())
    };
    let passed: [(u8, &[u8]); 13] = [
        (1, b""),
        (2, b""),
        (3, b"\xff"),
        (5, b"\x80\x01"),
        (6, b"\x02"),
        (7, b"12345678"),
        (8, b"\x03abc"),
        (9, b"\x35\x02\x04\x06"),
        (9, b"\x02"),
        (10, b"\x18\x01a"),
        (11, b"\x00"),
        (12, b"\x15\x02\x1c\x00\x00"),
        (13, b"0123456789abcdef"),
    ];
    for (kind, value) in passed {
        assert!(with(kind, value).is_ok(), "{kind} {value:?}");
    }
    let refused: [(u8, &[u8]); 4] = [
        (9, b"\xf1\xff\xff\xff\xff\x07"),
        (9, b"\x19\x12\x01"),
        (10, b"\xf2\xff\xff\xff\xff\x07"),
        (11, b"\xff\xff\xff\xff\x07\x11"),
    ];
    for (kind, value) in refused {
        let error = with(kind, value).unwrap_err().to_string();
        assert!(
            error.contains("byte 22: field 20 of FileMetaData cannot be passed over"),
            "{error}"
        );
    }
}

/// fastparquet writes an empty list as a single zero byte, which names no type.
#[test]
fn an_empty_list_without_a_type_is_empty() {
    // The row groups and the notes.
    for lists in [
        &b"\x19\x00\x00"[..],
        b"\x19\x0c\x19\x00\x00",
        b"\x19\x00\x19\x00\x18\x01w\x00",
        b"\x19\xf0\x00\x19\x05\x00",
    ] {
        let file = open(&[ONE_COLUMN, lists].concat()).unwrap();
        assert_eq!((file.columns(), file.rows()), (&["a".to_owned()][..], 0));
    }
    let text = refusal(&[ONE_COLUMN, b"\x19\x10\x00\x00"].concat());
    assert!(
        text.contains("row_groups of FileMetaData (field 4) is no struct"),
        "{text}"
    );
}

/// The encoder cannot write it again, when everything is paid for.
#[test]
fn a_logical_type_that_is_newer_than_the_decoder_is_refused_with_its_column() {
    let leaf = |union: &[u8]| {
        let root = b"\x15\x02\x19\x3c\x48\x01r\x15\x02\x00";
        let group = b"\x35\x00\x18\x01s\x15\x02\x00";
        let leaf = [b"\x15\x04\x25\x02\x18\x01a\x6c", union, b"\x00"].concat();
        open(&[&root[..], group, &leaf, b"\x16\x00\x19\x0c\x00"].concat())
    };
    // TIMESTAMP, with an unknown field of its own, and member 25.
    assert!(leaf(b"\x8c\x11\x1c\x2c\x00\x00\x00\x00").is_ok());
    assert_eq!(
        leaf(b"\x0c\x32\x00\x00").unwrap_err().to_string(),
        "x: column \"s.a\": it has the logical type 25, which is newer than this program; write the column with another \
         type, or leave it out of the file"
    );
}

/// Notes of two bytes, types of four: decoded, they take as much as 200 times their bytes.
#[test]
fn a_footer_that_would_be_large_in_memory_is_refused_before_it_is_decoded() {
    let list = |kind: u8, count: u32, item: &[u8]| {
        let items = item.repeat(count as usize);
        [&[0x19, kind | 0xf0][..], &varint(count), &items].concat()
    };
    let notes = |count| {
        let notes = list(12, count, b"\x18\x00\x00");
        [ONE_COLUMN, b"\x19\x0c", &notes, b"\x00"].concat()
    };
    assert!(open(&notes(1_000)).is_ok());
    assert_eq!(
        refusal(&notes(440_000)),
        "x: its footer takes 281603272 bytes when it is decoded, more than 268435456; write the file with larger row groups, \
         fewer columns or fewer notes, or as several files"
    );
    // Groups without columns, and columns without names.
    let groups = list(12, 1_600_000, b"\x19\x0c\x16\x00\x16\x00\x00");
    let text = refusal(&[ONE_COLUMN, &groups, b"\x00"].concat());
    assert!(text.contains("when it is decoded"), "{text}");
    let root = [b"\x48\x01r\x15", &*varint(400_000), b"\x00"].concat();
    let columns = b"\x15\x04\x25\x02\x18\x00\x00".repeat(200_000);
    let schema = [b"\x15\x02\x19\xfc", &*varint(200_001), &root, &columns].concat();
    let text = refusal(&[&schema[..], b"\x16\x00\x19\x0c\x00"].concat());
    assert!(text.contains("when it is decoded"), "{text}");
}

/// The decoder copies the names of all groups around a column, for each column.
#[test]
fn long_names_around_many_columns_are_refused_before_they_are_copied() {
    let footer = |name: usize| {
        let group = [
            b"\x35\x02\x18",
            &*varint(u32::try_from(name).unwrap()),
            &b"g".repeat(name),
            b"\x15\xd0\x0f\x00",
        ];
        let root = b"\x15\x02\x19\xfc\xea\x07\x48\x01r\x15\x02\x00";
        let columns = b"\x15\x02\x25\x02\x18\x01a\x00".repeat(1_000);
        [
            &root[..],
            &group.concat(),
            &columns,
            b"\x16\x00\x19\x0c\x00",
        ]
        .concat()
    };
    assert!(open(&footer(10_000)).is_ok());
    assert_eq!(
        refusal(&footer(2 << 20)),
        "x: the names of its columns, each with those of the groups around it, have 2097153000 bytes, more than 16777216; \
         shorten the names"
    );
}
