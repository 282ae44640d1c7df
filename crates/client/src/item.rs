//! A record as the server shows it to this caller.

use std::fmt::Write as _;

use causebook_record::{
    Fields, canonicalize, fields, join_members, members, string_text, string_value,
};

/// What the server adds to a record's own members.
const ADDED: [&str; 4] = ["index", "erased_facts", "erased", "masked"];

/// A record with its position: whole, with parts erased or masked, or erased altogether.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Position in the log, from 0.
    pub index: u64,
    /// Canonical text of the record's own members, as far as they are shown; `None` if its content is erased.
    pub text: Option<String>,
    /// Its id where the content is erased. Else it is in the text.
    pub kept_id: Option<String>,
    /// Facts of it that were erased.
    pub erased_facts: u64,
    /// JSON Pointers of what this caller may not see; a word stands there instead.
    pub masked: Vec<String>,
}

impl Item {
    /// Reads an item as the server writes it.
    ///
    /// # Errors
    /// In words, what it is instead.
    pub fn parse(json: &[u8]) -> Result<Item, String> {
        let canonical =
            canonicalize(json).map_err(|error| format!("a record that is none: {error}"))?;
        let all = members(&canonical).map_err(|error| format!("a record that is none: {error}"))?;
        let get = |name: &str| {
            all.iter()
                .find(|(member, _)| member == name)
                .map(|(_, text)| *text)
        };
        let number = |name: &str| get(name).map(str::parse::<u64>).transpose();
        let no_index = || "a record without its index".to_owned();
        let index = number("index")
            .map_err(|_| no_index())?
            .ok_or_else(no_index)?;
        let erased_facts = number("erased_facts")
            .map_err(|_| "a count of erased facts that is no number".to_owned())?
            .unwrap_or_default();
        let masked = match get("masked") {
            None => Vec::new(),
            Some(list) => serde_json::from_str(list)
                .map_err(|_| "a list of masked members that is none".to_owned())?,
        };
        let id = get("id")
            .and_then(string_value)
            .map(std::borrow::Cow::into_owned);
        let erased = get("erased") == Some("true");
        let own = all
            .iter()
            .filter(|(name, _)| !ADDED.contains(&name.as_ref()))
            .map(|(name, text)| (name.as_ref(), *text));
        let own = join_members(own).map_err(|error| format!("a record that is none: {error}"))?;
        Ok(Item {
            index,
            text: (!erased).then_some(own),
            kept_id: id.filter(|_| erased),
            erased_facts,
            masked,
        })
    }

    /// The typed view of what is shown of it.
    pub fn fields(&self) -> Fields {
        match &self.text {
            Some(text) => fields(text),
            None => Fields {
                id: self.kept_id.clone(),
                ..Fields::default()
            },
        }
    }

    /// Its id.
    pub fn id(&self) -> Option<String> {
        self.fields().id
    }

    /// The item as one JSON object, its index first.
    pub fn to_json(&self) -> String {
        let mut json = format!("{{\"index\":{}", self.index);
        let Some(text) = &self.text else {
            let id = self
                .kept_id
                .as_deref()
                .map_or_else(|| "null".to_owned(), string_text);
            let _ = write!(json, ",\"erased\":true,\"id\":{id}}}");
            return json;
        };
        if self.erased_facts > 0 {
            let _ = write!(json, ",\"erased_facts\":{}", self.erased_facts);
        }
        if !self.masked.is_empty() {
            let masked: Vec<String> = self.masked.iter().map(|it| string_text(it)).collect();
            let _ = write!(json, ",\"masked\":[{}]", masked.join(","));
        }
        match text.strip_prefix('{') {
            Some("}") | None => json.push('}'),
            Some(members) => {
                json.push(',');
                json.push_str(members);
            }
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_out_as_it_went_in() {
        for json in [
            r#"{"index":7,"decision":"deny","id":"a","score":0.10,"x":1E400}"#,
            r#"{"index":7,"erased_facts":2,"id":"a","kind":"decision"}"#,
            r#"{"index":7,"masked":["/subject"],"id":"a","subject":"••••"}"#,
            r#"{"index":7,"erased":true,"id":"a"}"#,
            r#"{"index":7,"erased":true,"id":null}"#,
        ] {
            assert_eq!(Item::parse(json.as_bytes()).unwrap().to_json(), json);
        }
    }

    #[test]
    fn what_is_no_record_is_told_as_what_it_is() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"index":-1}"#,
            r#"{"index":"1"}"#,
            "<html>",
            r#"{"index":1,"masked":3}"#,
        ] {
            assert!(Item::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
