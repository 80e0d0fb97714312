//! Tables of random types, random values and random encodings.

use crate::fixture::{
    as_others_read, assert_passed_through, cells, join, numbered_part, open_bytes,
};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    DictionaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array, Int32Array,
    Int64Array, LargeStringArray, ListArray, MapArray, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, i256};
use arrow_schema::{DataType, Field, Fields, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use quarry_parquet::TableLayout;
use std::sync::Arc;

/// Numbers that depend only on the seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn integer(&mut self) -> i64 {
        let number = self.next().cast_signed();
        // Small numbers repeat, so that dictionaries are used.
        if self.one_in(3) { number } else { number % 10 }
    }

    fn text(&mut self) -> String {
        let words = [
            "",
            "a",
            "00123",
            "NA",
            "\"quoted\"",
            "näh",
            "😀",
            "line\nbreak",
        ];
        let times = if self.one_in(10) { 50 } else { 1 };
        words[self.below(words.len())].repeat(times)
    }

    /// Returns `length` values, some of them none if `nullable`.
    fn some<T>(
        &mut self,
        length: usize,
        nullable: bool,
        mut value: impl FnMut(&mut Self) -> T,
    ) -> Vec<Option<T>> {
        (0..length)
            .map(|_| (!nullable || !self.one_in(4)).then(|| value(self)))
            .collect()
    }

    fn validity(&mut self, length: usize, nullable: bool) -> Option<NullBuffer> {
        nullable.then(|| (0..length).map(|_| !self.one_in(4)).collect())
    }
}

fn array(numbers: &mut Numbers, length: usize, nullable: bool, depth: usize) -> ArrayRef {
    if depth > 0 && numbers.one_in(5) {
        nested(numbers, length, nullable, depth)
    } else if numbers.one_in(3) {
        number_array(numbers, length, nullable)
    } else {
        other_array(numbers, length, nullable)
    }
}

fn number_array(numbers: &mut Numbers, length: usize, nullable: bool) -> ArrayRef {
    let narrow = |number: i64| i32::try_from(number % 1_000_000).unwrap();
    let wide = |n: &mut Numbers| i128::from(n.integer()) * 10_000;
    match numbers.below(8) {
        0 => Arc::new(Int8Array::from(numbers.some(length, nullable, |n| {
            n.next().to_le_bytes()[0].cast_signed()
        }))),
        1 => Arc::new(Int32Array::from(
            numbers.some(length, nullable, |n| narrow(n.integer())),
        )),
        2 => Arc::new(Int64Array::from(numbers.some(
            length,
            nullable,
            Numbers::integer,
        ))),
        3 => Arc::new(UInt64Array::from(numbers.some(
            length,
            nullable,
            Numbers::next,
        ))),
        4 => Arc::new(Float32Array::from(numbers.some(length, nullable, |n| {
            f32::from_bits(u32::try_from(n.next() >> 32).unwrap())
        }))),
        5 => Arc::new(Float64Array::from(
            numbers.some(length, nullable, |n| f64::from_bits(n.next())),
        )),
        6 => {
            let scale = [0, 2, 9][numbers.below(3)];
            let values = numbers.some(length, nullable, wide);
            Arc::new(
                Decimal128Array::from(values)
                    .with_precision_and_scale(30, scale)
                    .unwrap(),
            )
        }
        _ => {
            let values = numbers.some(length, nullable, |n| i256::from_i128(wide(n)));
            Arc::new(
                Decimal256Array::from(values)
                    .with_precision_and_scale(70, 3)
                    .unwrap(),
            )
        }
    }
}

fn other_array(numbers: &mut Numbers, length: usize, nullable: bool) -> ArrayRef {
    let narrow = |number: i64| i32::try_from(number % 1_000_000).unwrap();
    match numbers.below(9) {
        0 => Arc::new(BooleanArray::from(
            numbers.some(length, nullable, |n| n.one_in(2)),
        )),
        1 => Arc::new(StringArray::from(numbers.some(
            length,
            nullable,
            Numbers::text,
        ))),
        2 => Arc::new(LargeStringArray::from(numbers.some(
            length,
            nullable,
            Numbers::text,
        ))),
        3 => {
            let values = numbers.some(length, nullable, |n| n.next().to_le_bytes().to_vec());
            Arc::new(
                values
                    .iter()
                    .map(|value| value.as_deref())
                    .collect::<BinaryArray>(),
            )
        }
        4 => {
            let values = numbers.some(length, nullable, |n| n.next().to_le_bytes());
            let values = values
                .iter()
                .map(|value| value.as_ref().map(<[u8; 8]>::as_slice));
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(values, 8).unwrap())
        }
        5 => Arc::new(Date32Array::from(
            numbers.some(length, nullable, |n| narrow(n.integer())),
        )),
        6 => {
            let values = numbers.some(length, nullable, Numbers::integer);
            let zone =
                [None, Some("UTC"), Some("+02:00"), Some("America/New_York")][numbers.below(4)];
            Arc::new(TimestampMillisecondArray::from(values).with_timezone_opt(zone))
        }
        7 => Arc::new(TimestampNanosecondArray::from(numbers.some(
            length,
            nullable,
            Numbers::integer,
        ))),
        _ => Arc::new(Time64MicrosecondArray::from(numbers.some(
            length,
            nullable,
            |n| n.integer().rem_euclid(86_400_000_000),
        ))),
    }
}

/// Returns lists, structs and maps.
fn nested(numbers: &mut Numbers, length: usize, nullable: bool, depth: usize) -> ArrayRef {
    match numbers.below(3) {
        0 => {
            let nullable_items = numbers.one_in(2);
            let lengths: Vec<usize> = (0..length).map(|_| numbers.below(4)).collect();
            let items = array(numbers, lengths.iter().sum(), nullable_items, depth - 1);
            let name = ["element", "item"][numbers.below(2)];
            let field = Arc::new(Field::new(name, items.data_type().clone(), nullable_items));
            let validity = numbers.validity(length, nullable);
            Arc::new(ListArray::new(
                field,
                OffsetBuffer::from_lengths(lengths),
                items,
                validity,
            ))
        }
        1 => {
            let members: Vec<(Field, ArrayRef)> = (0..=numbers.below(3))
                .map(|index| {
                    let nullable_member = numbers.one_in(2);
                    let values = array(numbers, length, nullable_member, depth - 1);
                    let field = Field::new(
                        format!("m{index}"),
                        values.data_type().clone(),
                        nullable_member,
                    );
                    (field, values)
                })
                .collect();
            let (fields, values): (Vec<Field>, Vec<ArrayRef>) = members.into_iter().unzip();
            let validity = numbers.validity(length, nullable);
            Arc::new(StructArray::new(fields.into(), values, validity))
        }
        _ => {
            let lengths: Vec<usize> = (0..length).map(|_| numbers.below(3)).collect();
            let entries: usize = lengths.iter().sum();
            let keys = StringArray::from(numbers.some(entries, false, Numbers::text));
            let values = array(numbers, entries, true, depth - 1);
            let fields: Fields = vec![
                Field::new("key", DataType::Utf8, false),
                Field::new("value", values.data_type().clone(), true),
            ]
            .into();
            let entries = StructArray::new(fields, vec![Arc::new(keys), values], None);
            let field = Arc::new(Field::new("key_value", entries.data_type().clone(), false));
            let validity = numbers.validity(length, nullable);
            Arc::new(MapArray::new(
                field,
                OffsetBuffer::from_lengths(lengths),
                entries,
                validity,
                false,
            ))
        }
    }
}

fn dictionary(numbers: &mut Numbers, length: usize) -> ArrayRef {
    let values = numbers.some(length, true, |n| ["red", "green", "blue"][n.below(3)]);
    Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>())
}

fn table(seed: u64, rows: usize) -> Bytes {
    let mut numbers = Numbers(seed);
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = (0..=numbers.below(5))
        .map(|index| {
            let nullable = !numbers.one_in(3);
            let values = if nullable && numbers.one_in(10) {
                dictionary(&mut numbers, rows)
            } else {
                array(&mut numbers, rows, nullable, 3)
            };
            (
                Field::new(format!("c{index}"), values.data_type().clone(), nullable),
                values,
            )
        })
        .unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let properties = WriterProperties::builder()
        .set_compression(codecs[numbers.below(codecs.len())])
        .set_writer_version(versions[numbers.below(2)])
        .set_dictionary_enabled(numbers.one_in(2))
        .set_offset_index_disabled(numbers.one_in(2))
        .set_max_row_group_row_count(Some(1 + numbers.below(rows.max(1))))
        .set_data_page_row_count_limit(1 + numbers.below(20))
        .set_write_batch_size(1 + numbers.below(10))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn is_shown(data_type: &DataType) -> bool {
    match data_type {
        DataType::Binary | DataType::FixedSizeBinary(_) => false,
        DataType::List(item) | DataType::Map(item, _) => is_shown(item.data_type()),
        DataType::Struct(members) => members.iter().all(|member| is_shown(member.data_type())),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever a table contains, and however it is written and cut, the joined parts contain the
    /// same.
    #[test]
    fn a_table_comes_out_of_its_parts_as_it_was(
        seed: u64,
        rows in 0_usize..120,
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let input = table(seed, rows);
        let file = open_bytes("input", input.clone());
        prop_assert_eq!(file.rows(), rows as u64);
        let layout = TableLayout::of(&file).unwrap();
        let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(rows + 1) as u64).collect();
        cuts.extend([0, rows as u64]);
        cuts.sort_unstable();
        let parts: Vec<Bytes> = cuts
            .windows(2)
            .map(|cut| numbered_part(&layout, &[(&file, cut[0]..cut[1])]).0)
            .collect();
        let joined = join(&parts);
        let before = as_others_read(&input);
        assert_passed_through(&before, &as_others_read(&joined), "joined");

        let shown: Vec<String> = before
            .schema()
            .fields()
            .iter()
            .filter(|field| is_shown(field.data_type()))
            .map(|field| field.name().clone())
            .collect();
        let all = cells(&file, 0..rows as u64, &shown);
        prop_assert_eq!(&cells(&open_bytes("joined", joined), 0..rows as u64, &shown), &all);
        for cut in cuts.windows(2) {
            let bounds = usize::try_from(cut[0]).unwrap()..usize::try_from(cut[1]).unwrap();
            prop_assert_eq!(&cells(&file, cut[0]..cut[1], &shown), &all[bounds]);
        }
    }
}
