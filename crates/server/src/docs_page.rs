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
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    for tag in tags {
        let name = tag["name"].as_str().unwrap_or_default();
        let _ = write!(
            page,
            "<h2>{}</h2><p>{}</p>",
            text(&tag["name"]),
            text(&tag["description"])
        );
        for (path, method, operation) in operations(&document) {
            if operation["tags"][0] == name {
                describe(&mut page, path, method, operation);
            }
        }
    }
    page
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn describe(page: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        page,
        "<h3><span class=\"m\">{method}</span> <code>{}</code></h3><p>{}</p>",
        escape(path),
        text(&operation["summary"])
    );
    let description = text(&operation["description"]);
    if !description.is_empty() {
        let _ = write!(page, "<p>{description}</p>");
    }
    let parameters = operation["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let parameters: Vec<&Value> = parameters.iter().filter(|it| it["in"] != "path").collect();
    if !parameters.is_empty() {
        page.push_str("<table>");
        for parameter in parameters {
            let _ = write!(
                page,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"])
            );
        }
        page.push_str("</table>");
    }
    for (title, forms) in [
        ("takes", &operation["requestBody"]["content"]),
        ("gives", &operation["responses"]["200"]["content"]),
    ] {
        let forms: Vec<String> = forms
            .as_object()
            .into_iter()
            .flatten()
            .map(|(form, _)| format!("<code>{}</code>", escape(form)))
            .collect();
        if !forms.is_empty() {
            let _ = write!(page, "<p>{title} {}</p>", forms.join(", "));
        }
    }
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
