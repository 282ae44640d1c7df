//! Records as an Arrow IPC stream, a column for every fact: `id`, `/input/age`, and so on.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use causebook_bench::Failure;
use serde_json::Value;

/// Writes records, which all have the facts of the first, as a stream of one batch.
pub(crate) fn stream(records: &[(String, String)]) -> Result<Vec<u8>, Failure> {
    let rows = records.iter().map(|(_, json)| {
        let record: Value = serde_json::from_str(json)?;
        let mut facts = Vec::new();
        flatten(String::new(), &record, &mut facts);
        Ok(facts)
    });
    let rows: Vec<Vec<(String, Value)>> = rows.collect::<Result<_, Failure>>()?;
    let first = rows.first().ok_or("no records")?;
    let mut columns: Vec<(String, ArrayRef)> = Vec::with_capacity(first.len());
    for (place, (name, value)) in first.iter().enumerate() {
        let values: Result<Vec<&Value>, Failure> = rows
            .iter()
            .map(|row| {
                let fact = row.get(place).filter(|(other, _)| other == name);
                let (_, value) = fact.ok_or_else(|| format!("a record has no {name}"))?;
                Ok(value)
            })
            .collect();
        // A member of the record goes by its name, what is below one by its pointer.
        let member = name.strip_prefix('/').filter(|rest| !rest.contains('/'));
        let name = member.unwrap_or(name).to_owned();
        columns.push((name, column(value, &values?)));
    }
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema())?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(stream)
}

fn flatten(pointer: String, value: &Value, facts: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(format!("{pointer}/{name}"), value, facts);
            }
        }
        other => facts.push((pointer, other.clone())),
    }
}

/// A column of the type that its first value has.
fn column(first: &Value, values: &[&Value]) -> ArrayRef {
    let values = values.iter();
    if first.is_i64() {
        Arc::new(values.map(|value| value.as_i64()).collect::<Int64Array>())
    } else if first.is_number() {
        Arc::new(values.map(|value| value.as_f64()).collect::<Float64Array>())
    } else if first.is_boolean() {
        Arc::new(
            values
                .map(|value| value.as_bool())
                .collect::<BooleanArray>(),
        )
    } else {
        Arc::new(values.map(|value| value.as_str()).collect::<StringArray>())
    }
}

#[cfg(test)]
mod tests {
    use arrow::ipc::reader::StreamReader;

    use super::*;

    #[test]
    fn every_fact_is_a_column_by_name_or_pointer() {
        let record = |id: &str, age: u8| {
            let json =
                format!(r#"{{"id":"{id}","input":{{"age":{age},"debt":0.5}},"decision":"deny"}}"#);
            (id.to_owned(), json)
        };
        let stream = stream(&[record("a", 30), record("b", 40)]).unwrap();
        let mut reader = StreamReader::try_new(stream.as_slice(), None).unwrap();
        let batch = reader.next().unwrap().unwrap();
        let schema = batch.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, ["decision", "id", "/input/age", "/input/debt"]);
        assert_eq!(batch.num_rows(), 2);
    }
}
