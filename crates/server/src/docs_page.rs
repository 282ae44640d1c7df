//! The description of the API as a page for people, made from the `OpenAPI` document.

use std::fmt::Write as _;

use serde_json::Value;

/// The body of the page.
pub(crate) fn render(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let mut page = format!(
        "<h1>{}</h1><p>{}</p><p><a href=\"/openapi.json\">OpenAPI document</a> · <a href=\"/problems\">Problems</a></p>",
        text(&document["info"]["title"]),
        text(&document["info"]["description"])
    );
    let tags = document["tags"].as_array().map_or(&[][..], Vec::as_slice);
    page.push_str("<nav>");
    for tag in tags {
        let _ = write!(page, "<p><b>{}</b><br>", text(&tag["name"]));
        for (_, _, operation) in of_tag(&document, tag) {
            let _ = write!(
                page,
                "<a href=\"#{}\">{}</a><br>",
                text(&operation["operationId"]),
                text(&operation["summary"])
            );
        }
        page.push_str("</p>");
    }
    page.push_str("</nav>");
    for tag in tags {
        let _ = write!(
            page,
            "<h2>{}</h2><p>{}</p>",
            text(&tag["name"]),
            text(&tag["description"])
        );
        for (path, method, operation) in of_tag(&document, tag) {
            describe(&mut page, &document, path, method, operation);
        }
    }
    page
}

/// Path, method and description of the operations under a tag.
fn of_tag<'a>(
    document: &'a Value,
    tag: &'a Value,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    operations.filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
}

fn describe(page: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        page,
        "<h3 id=\"{}\"><span class=\"m\">{method}</span> <code>{}</code></h3><p>{}</p>",
        text(&operation["operationId"]),
        escape(path),
        text(&operation["summary"])
    );
    let description = text(&operation["description"]);
    if !description.is_empty() {
        let _ = write!(page, "<p>{description}</p>");
    }
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let rows: String = parameters
        .map(|parameter| {
            let place = text(&parameter["in"]);
            row(document, parameter, &parameter["schema"], &place)
        })
        .collect();
    table(page, &rows);
    body(page, document, &operation["requestBody"]);
    answers(page, &operation["responses"]);
}

/// What an operation is answered with; the problems, which are much the same for all, by their numbers.
fn answers(page: &mut String, responses: &Value) {
    let (good, problems): (Vec<_>, Vec<_>) = responses
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.starts_with('2'));
    let rows: String = good
        .into_iter()
        .map(|(status, answer)| {
            let (forms, meaning) = (forms(&answer["content"]), text(&answer["description"]));
            cells(&escape(status), &forms, &meaning)
        })
        .collect();
    page.push_str("<p>Answers</p>");
    table(page, &rows);
    let problems: Vec<String> = problems.iter().map(|(status, _)| escape(status)).collect();
    if !problems.is_empty() {
        let _ = write!(
            page,
            "<p>or a <a href=\"/problems\">problem</a>: {}</p>",
            problems.join(", ")
        );
    }
}

/// What an operation is sent: its forms, the members of the one in JSON, an example.
fn body(page: &mut String, document: &Value, body: &Value) {
    if body.is_null() {
        return;
    }
    let _ = write!(
        page,
        "<p>Takes {}. {}</p>",
        forms(&body["content"]),
        text(&body["description"])
    );
    let schema = resolved(document, &body["content"]["application/json"]["schema"]);
    let required = |name: &str| {
        let names = schema["required"].as_array().into_iter().flatten();
        names.clone().any(|required| required == name)
    };
    let members = schema["properties"].as_object().into_iter().flatten();
    let rows: String = members
        .map(|(name, member)| {
            let named = serde_json::json!({
                "name": name, "description": member["description"], "required": required(name)
            });
            row(document, &named, member, "")
        })
        .collect();
    table(page, &rows);
    if !schema["example"].is_null() {
        let example = serde_json::to_string_pretty(&schema["example"]).unwrap_or_default();
        let _ = write!(page, "<pre>{}</pre>", escape(&example));
    }
}

/// A row for a parameter or a member: its name, what it is, what it means.
fn row(document: &Value, named: &Value, schema: &Value, place: &str) -> String {
    let schema = resolved(document, schema);
    let kind = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str);
            kinds
                .filter(|kind| *kind != "null")
                .collect::<Vec<_>>()
                .join(" or ")
        }
        _ => String::new(),
    };
    let required = if named["required"] == true {
        "required"
    } else {
        ""
    };
    let what: Vec<&str> = [place, &kind, required]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let meaning = [&named["description"], &schema["description"]]
        .into_iter()
        .find(|meaning| meaning.is_string())
        .map(text)
        .unwrap_or_default();
    cells(&text(&named["name"]), &escape(&what.join(", ")), &meaning)
}

fn cells(name: &str, what: &str, meaning: &str) -> String {
    format!("<tr><td><code>{name}</code></td><td>{what}</td><td>{meaning}</td></tr>")
}

fn table(page: &mut String, rows: &str) {
    if !rows.is_empty() {
        let _ = write!(page, "<table>{rows}</table>");
    }
}

fn forms(content: &Value) -> String {
    let forms = content.as_object().into_iter().flatten();
    let forms: Vec<String> = forms
        .map(|(form, _)| format!("<code>{}</code>", escape(form)))
        .collect();
    forms.join(", ")
}

/// A schema, or the one that it refers to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str();
    target
        .and_then(|target| document.pointer(target.trim_start_matches('#')))
        .unwrap_or(schema)
}

/// Text with what stands between backticks as code.
fn text(value: &Value) -> String {
    let escaped = escape(value.as_str().unwrap_or_default());
    let mut marked = String::with_capacity(escaped.len());
    for (number, part) in escaped.split('`').enumerate() {
        if number % 2 == 1 {
            let _ = write!(marked, "<code>{part}</code>");
        } else {
            marked.push_str(part);
        }
    }
    marked
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_description_says_is_on_the_page_and_cannot_break_out_of_it() {
        let document = serde_json::json!({
            "info": {"title": "<b>A</b>", "description": "d"},
            "tags": [{"name": "records", "description": "all `<of>` them"}],
            "paths": {"/v1/{id}": {"post": {
                "tags": ["records"], "operationId": "put", "summary": "Put",
                "parameters": [{"name": "wait", "in": "query", "schema": {"type": ["string", "null"]}, "description": "how long"}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}},
                "responses": {
                    "201": {"description": "made", "content": {"application/json": {}}}, "400": {}, "503": {}
                }
            }}},
            "components": {"schemas": {"Body": {
                "required": ["a"], "properties": {"a": {"type": "integer", "description": "how many"}}, "example": {"a": "</pre>"}
            }}}
        });
        let page = render(&document.to_string());
        for expected in [
            "&lt;b>A&lt;/b>",
            "all <code>&lt;of></code> them",
            "<a href=\"#put\">Put</a>",
            "<td><code>wait</code></td><td>query, string</td><td>how long</td>",
            "<td><code>a</code></td><td>integer, required</td><td>how many</td>",
            "&quot;a&quot;: &quot;&lt;/pre>&quot;",
            "<td><code>201</code></td><td><code>application/json</code></td><td>made</td>",
            "<a href=\"/problems\">problem</a>: 400, 503",
        ] {
            assert!(page.contains(expected), "{expected} is not in {page}");
        }
    }
}
