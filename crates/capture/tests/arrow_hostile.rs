//! Streams made to do harm: damaged at random, or saying little at great length.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "arrow/streams.rs"]
mod streams;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, FixedSizeListArray, Int64Array, ListViewArray, NullArray,
    StructArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type};
use causebook_capture::arrow::{Limits, Reader, RowFault, StreamError};
use proptest::prelude::*;
use streams::{batch, column, read, stream, texts};

/// Streams of every shape that reading has a path for.
fn seeds() -> Vec<Vec<u8>> {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let list = ListViewArray::new(
        Arc::new(Field::new("item", DataType::Int64, true)),
        ScalarBuffer::from(vec![1, 0, 0]),
        ScalarBuffer::from(vec![2, 1, 3]),
        Arc::clone(&numbers),
        None,
    );
    let dictionary: DictionaryArray<Int32Type> = ["yes", "no", "yes"].into_iter().collect();
    vec![
        include_bytes!("fixtures/types.arrows").to_vec(),
        stream(&[batch(vec![
            column("/input/list", Arc::new(list)),
            column("/input/number", numbers),
            column("decision", Arc::new(dictionary)),
            column("subject", texts(&["a", "b", "c"])),
        ])]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_bytes_are_rows_or_an_error(
        seed in 0..2_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let limits = Limits { work: 1 << 20, ..Limits::default() };
        if let Ok(rows) = read(&bytes, limits) {
            for row in rows.into_iter().flatten() {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&row);
                // A name that was damaged may stand twice; nothing else may be wrong.
                prop_assert!(parsed.is_ok(), "{row}");
            }
        }
    }

    #[test]
    fn other_bytes_are_an_error(bytes: Vec<u8>) {
        prop_assert!(Reader::open(bytes.as_slice(), Limits::default()).is_err());
    }
}

#[test]
fn values_that_say_nothing_do_not_take_for_ever() {
    // Lists of many structs of many nulls, in some hundred bytes.
    let names: Vec<String> = (0..1000).map(|nth| format!("n{nth}")).collect();
    let items = 100_000;
    let null = |name: &String| {
        let field = Arc::new(Field::new(name, DataType::Null, true));
        (field, Arc::new(NullArray::new(items)) as ArrayRef)
    };
    let (fields, arrays): (Vec<_>, Vec<_>) = names.iter().map(null).unzip();
    let structs: ArrayRef = Arc::new(StructArray::new(Fields::from(fields), arrays, None));
    let field = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let list = FixedSizeListArray::new(field, i32::try_from(items).unwrap(), structs, None);
    let bytes = stream(&[batch(vec![
        column("data", Arc::new(list)),
        column("decision", texts(&["a"])),
    ])]);
    let rows = read(&bytes, Limits::default()).unwrap();
    assert_eq!(rows, [Err(RowFault::TooLong { limit: 4 << 20 })]);

    let nothing = column("/input/nothing", Arc::new(NullArray::new(1 << 30)));
    let error = read(&stream(&[batch(vec![nothing])]), Limits::default()).unwrap_err();
    assert!(
        error.to_string().contains("announces 1073741824 rows"),
        "{error}"
    );
}

#[test]
fn names_are_bounded_as_a_whole() {
    let columns = |count: usize, bytes: usize| {
        let name = |nth: usize| format!("/input/{nth:0>bytes$}");
        (0..count)
            .map(|nth| column(&name(nth), texts(&["x"])))
            .collect::<Vec<_>>()
    };
    for (count, bytes, what) in [
        (2000, 4000, "bytes of names"),
        (17_000, 8, "columns and parts"),
    ] {
        match streams::refusal(&columns(count, bytes)) {
            StreamError::Limit { what: said, .. } => assert!(said.starts_with(what), "{said}"),
            other => panic!("{other}"),
        }
    }
}
