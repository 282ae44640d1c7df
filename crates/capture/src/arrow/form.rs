//! How the values of a column are written, found once from its field: which parts they have, what is JSON already,
//! where a dictionary is looked up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use super::decode::plain;
use crate::text::quoted;

/// What the values of an array are, beyond its type.
#[derive(Debug)]
pub(super) enum Form {
    /// One value without parts; the array's type says all.
    Single,
    /// Text that is a JSON document.
    Json,
    /// A key into a dictionary.
    Dictionary { id: i64, values: Box<Form> },
    /// Runs of equal values.
    Runs(Box<Form>),
    /// A list of any kind.
    List(Box<Form>),
    /// A map: an object if its keys are text, else a list of keys and values.
    Map {
        is_object: bool,
        keys: Box<Form>,
        values: Box<Form>,
    },
    /// An object: each member's name as JSON text with a colon.
    Struct(Vec<(String, Form)>),
}

impl Form {
    /// The form of a field's values. The types of the dictionaries' values are added to `dictionaries`.
    ///
    /// # Errors
    /// What is wrong with the type, and what to do.
    pub(super) fn of(
        field: &Field,
        dictionaries: &mut HashMap<i64, SchemaRef>,
    ) -> Result<Self, String> {
        let is_json = field.extension_type_name() == Some(JSON_EXTENSION);
        #[allow(deprecated, reason = "nothing else tells which dictionary a field has")]
        let dictionary = field.dict_id();
        form(field.data_type(), is_json, dictionary, dictionaries)
    }
}

fn form(
    data_type: &DataType,
    is_json: bool,
    dictionary: Option<i64>,
    dictionaries: &mut HashMap<i64, SchemaRef>,
) -> Result<Form, String> {
    Ok(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if is_json => Form::Json,
        single if is_single(single) => Form::Single,
        DataType::Dictionary(_, values) => {
            let id = dictionary.ok_or("its dictionary has no number")?;
            let values_form = form(values, is_json, None, dictionaries)?;
            let field = Field::new("", plain(values), true);
            let schema = Arc::new(Schema::new(vec![field]));
            let known = dictionaries
                .entry(id)
                .or_insert_with(|| Arc::clone(&schema));
            if *known != schema {
                return Err(format!("its dictionary {id} is of another type elsewhere"));
            }
            Form::Dictionary {
                id,
                values: Box::new(values_form),
            }
        }
        DataType::RunEndEncoded(_, values) => {
            let is_json = is_json || values.extension_type_name() == Some(JSON_EXTENSION);
            #[allow(deprecated, reason = "nothing else tells which dictionary a field has")]
            let dictionary = values.dict_id();
            let values = form(values.data_type(), is_json, dictionary, dictionaries)?;
            Form::Runs(Box::new(values))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Form::List(Box::new(Form::of(item, dictionaries)?)),
        DataType::Map(entries, _) => map(entries, dictionaries)?,
        DataType::Struct(fields) => {
            distinct(fields.iter())?;
            let parts = fields.iter().map(|field| {
                let key = format!("{}:", quoted(field.name()));
                Ok((key, Form::of(field, dictionaries)?))
            });
            Form::Struct(parts.collect::<Result<_, String>>()?)
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            return Err(
                "bytes have no place in a record: store them as an attachment and refer to it by its digest, or send text"
                    .to_owned(),
            );
        }
        other => {
            return Err(format!(
                "type {other} has no form in JSON; send it as text, or as a type that has one"
            ));
        }
    })
}

fn map(entries: &Field, dictionaries: &mut HashMap<i64, SchemaRef>) -> Result<Form, String> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err("a map whose entries are no structs".to_owned());
    };
    let [keys, values] = fields.iter().as_slice() else {
        return Err("a map without keys and values".to_owned());
    };
    Ok(Form::Map {
        is_object: is_text(keys.data_type()),
        keys: Box::new(Form::of(keys, dictionaries)?),
        values: Box::new(Form::of(values, dictionaries)?),
    })
}

/// Refuses a struct of which two members have one name.
pub(super) fn distinct<'f>(fields: impl Iterator<Item = &'f FieldRef>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for field in fields {
        if !seen.insert(field.name()) {
            return Err(format!("it has {:?} twice", field.name()));
        }
    }
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_single(data_type: &DataType) -> bool {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    data_type.is_integer()
        || data_type.is_floating()
        || data_type.is_decimal()
        || matches!(
            data_type,
            DataType::Null
                | DataType::Boolean
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(..)
                | DataType::Duration(_)
                | DataType::Time32(Second | Millisecond)
                | DataType::Time64(Microsecond | Nanosecond)
        )
}

/// The canonical extension type of Arrow for JSON documents.
const JSON_EXTENSION: &str = "arrow.json";
