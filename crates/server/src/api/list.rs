//! Lists: pages of what a filter matches, pinned to a size of the log, so that the same link shows the same rows next year.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causebook_access::Permission;
use causebook_filter::Filter;
use causebook_ledger::{Clock as _, LedgerError, Reader, Row};
use causebook_query::PageRequest;
use causebook_record::Mask;
use serde::Deserialize;

use super::extract::{Path, Query, bad_parameter, unfit_parameter};
use super::item::{array, header, item};
use super::media::{JSON, NDJSON, accepted};
use super::schema::{ListBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 1000;
/// Rows that are this close together on average are read in one pass over all between them.
const DENSE: u64 = 8;

/// Which records, and how many of them.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The filter: `decision:deny model:credit-risk@3.* score:<0.4`. Nothing: all.
    q: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Which come first.
    #[param(inline)]
    order: Order,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// The size of the log to look at; records behind it are as if they were not there. Nothing: its size now.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    as_of: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Newest,
    Oldest,
}

/// List records that match a filter.
///
/// Pages show the log as it was at `as_of` records, whatever comes meanwhile. As NDJSON without a limit, all that match
/// are given, which takes the permission to export.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/records", tag = "records", operation_id = "listRecords",
    params(("ledger" = String, Path, description = "Name of the ledger"), ListQuery),
    responses(
        (status = 200, description = "Records", content((ListBody = "application/json"), (String = "application/x-ndjson")),
            headers(("link" = String, description = "The next page, as RFC 8288 says"))),
        Refusals,
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = accepted(&headers, &[JSON, NDJSON])?;
    let is_export = form == NDJSON && query.limit.is_none();
    let permission = if is_export {
        Permission::Export
    } else {
        Permission::Search
    };
    let book = app.book(&asking, &ledger, permission).await?;
    let mask = app.mask(&asking, &ledger);
    let page = plan(&app, &book, &query)?;
    if is_export {
        let access = Access {
            object: query.q.as_deref(),
            ..Access::of("export", &ledger)
        };
        app.trail.note(&asking, &access).await?;
        return Ok(export(&app, &book, page, mask));
    }
    let (reading, reading_mask, limit) = (Arc::clone(&book), mask.clone(), page.request.limit);
    let permit = app.query_permit().await?;
    let filter = page.filter.clone();
    let request = page.request.clone();
    let rows = blocking(move || {
        let rows = read(&reading, &filter, &request, &reading_mask)?;
        drop(permit);
        Ok(rows)
    })
    .await;
    let mut access = Access::of("list", &ledger);
    access.object = query.q.as_deref();
    access.records = rows.as_ref().ok().map(|rows| rows.len().min(limit) as u64);
    access.result = rows
        .as_ref()
        .map_or_else(|problem| problem.code.name(), |_| "ok");
    app.trail.note(&asking, &access).await?;
    Ok(page_response(&page, &query, &ledger, rows?, &mask, form))
}

/// A page, worked out.
#[derive(Clone, Debug)]
struct Plan {
    filter: Filter,
    request: PageRequest,
    newest_first: bool,
}

fn plan(app: &App, book: &Book, query: &ListQuery) -> Result<Plan, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("limit is from 1 to {LIMIT_MAX}");
        return Err(bad_parameter("limit", detail));
    }
    let newest_first = query.order == Order::Newest;
    let filter = filter(app, query.q.as_deref())?;
    let cursor = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::parse(cursor, &filter, newest_first))
        .transpose()?;
    let as_of = as_of(book, query.as_of.or(cursor.map(|cursor| cursor.as_of)))?;
    Ok(Plan {
        filter,
        newest_first,
        request: PageRequest {
            as_of,
            after: cursor.map(|cursor| cursor.after),
            newest_first,
            limit,
        },
    })
}

/// Reads the filter that `q` is; nothing is a filter that all match.
///
/// # Errors
/// [`Code::InvalidFilter`].
pub(super) fn filter(app: &App, q: Option<&str>) -> Result<Filter, Problem> {
    Filter::parse(q.unwrap_or_default(), app.clock.now())
        .map_err(|error| Problem::new(Code::InvalidFilter, error.to_string()).at("q"))
}

/// The size of the log to look at.
///
/// # Errors
/// [`Code::UnfitParameter`] for a size that the log does not have yet.
pub(super) fn as_of(book: &Book, asked: Option<u64>) -> Result<u64, Problem> {
    let size = book.reader.size();
    match asked {
        None => Ok(size),
        Some(asked) if asked <= size => Ok(asked),
        Some(_) => Err(unfit_parameter(
            "as_of",
            format!("as_of is at most {size}, the records that the log has"),
        )),
    }
}

/// One row more than asked for, to see whether there are more.
pub(super) fn read(
    book: &Book,
    filter: &Filter,
    request: &PageRequest,
    mask: &Mask,
) -> Result<Vec<Row>, Problem> {
    let request = PageRequest {
        limit: request.limit + 1,
        ..request.clone()
    };
    let indexes = if filter.is_empty() {
        adjacent(&request)
    } else {
        book.query.page(filter, &request, mask)?
    };
    Ok(rows_at(&book.reader, &indexes)?)
}

/// The indexes of a page that everything matches.
fn adjacent(request: &PageRequest) -> Vec<u64> {
    let limit = request.limit as u64;
    if request.newest_first {
        let end = request.after.unwrap_or(request.as_of).min(request.as_of);
        (end.saturating_sub(limit)..end).rev().collect()
    } else {
        let start = request.after.map_or(0, |after| after + 1);
        (start..request.as_of.min(start + limit)).collect()
    }
}

/// The rows at these indexes, in their order.
pub(super) fn rows_at(reader: &Reader, indexes: &[u64]) -> Result<Vec<Row>, LedgerError> {
    let (Some(first), Some(last)) = (indexes.iter().min(), indexes.iter().max()) else {
        return Ok(Vec::new());
    };
    if last - first >= indexes.len() as u64 * DENSE {
        let rows = indexes.iter().map(|index| reader.get(*index));
        return rows.filter_map(Result::transpose).collect();
    }
    let mut found: BTreeMap<u64, Row> = BTreeMap::new();
    let wanted: std::collections::BTreeSet<u64> = indexes.iter().copied().collect();
    reader.scan(*first..last + 1, &mut |row| {
        if wanted.contains(&row.index) {
            found.insert(row.index, row);
        }
        ControlFlow::Continue(())
    })?;
    Ok(indexes
        .iter()
        .filter_map(|index| found.remove(index))
        .collect())
}

fn page_response(
    plan: &Plan,
    query: &ListQuery,
    ledger: &str,
    mut rows: Vec<Row>,
    mask: &Mask,
    form: &str,
) -> Response {
    let more = rows.len() > plan.request.limit;
    rows.truncate(plan.request.limit);
    let next = rows.last().filter(|_| more).map(|last| {
        let cursor = Cursor {
            as_of: plan.request.as_of,
            after: last.index,
        };
        cursor.text(&plan.filter, plan.newest_first)
    });
    let as_of = plan.request.as_of;
    let items = rows.iter().map(|row| item(row, mask));
    let body = if form == NDJSON {
        items.map(|item| item + "\n").collect()
    } else {
        let next = next
            .as_ref()
            .map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
        format!(
            "{{\"as_of\":{as_of},\"records\":{},\"next\":{next}}}",
            array(items)
        )
    };
    let mut response = ([(header::CONTENT_TYPE, header(form))], body).into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("causebook-as-of"), as_of.into());
    if let Some(next) = next {
        headers.insert(header::LINK, header(&link(ledger, query, &next)));
    }
    response
}

fn link(ledger: &str, query: &ListQuery, cursor: &str) -> String {
    let mut url = format!("/v1/ledgers/{ledger}/records?cursor={cursor}");
    if let Some(q) = &query.q {
        url.push_str("&q=");
        url.push_str(&super::write::encoded(q));
    }
    if let Some(limit) = query.limit {
        let _ = write!(url, "&limit={limit}");
    }
    if query.order == Order::Oldest {
        url.push_str("&order=oldest");
    }
    format!("<{url}>; rel=\"next\"")
}

/// Where a list goes on. It belongs to one filter and order: with others it would skip or repeat.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    as_of: u64,
    after: u64,
}

impl Cursor {
    fn text(self, filter: &Filter, newest_first: bool) -> String {
        let tag = Self::tag(filter, newest_first);
        URL_SAFE_NO_PAD.encode(format!("1.{}.{}.{tag}", self.as_of, self.after))
    }

    fn parse(text: &str, filter: &Filter, newest_first: bool) -> Result<Self, Problem> {
        let invalid =
            || Problem::new(Code::InvalidCursor, "the cursor is not one of this list").at("cursor");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        let parts: Vec<&str> = text.split('.').collect();
        let [version, as_of, after, tag] = parts.as_slice() else {
            return Err(invalid());
        };
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number < 1 << 53);
        match (number(as_of), number(after)) {
            (Some(as_of), Some(after))
                if *version == "1" && *tag == Self::tag(filter, newest_first) =>
            {
                Ok(Self { as_of, after })
            }
            _ => Err(invalid()),
        }
    }

    fn tag(filter: &Filter, newest_first: bool) -> String {
        use sha2::{Digest as _, Sha256};
        let hash = Sha256::digest(format!("{newest_first} {filter}"));
        URL_SAFE_NO_PAD.encode(hash.get(..6).unwrap_or_default())
    }
}

/// Everything that matches, page by page, as it is read.
fn export(app: &App, book: &Arc<Book>, plan: Plan, mask: Mask) -> Response {
    let state = (app.clone(), Arc::clone(book), plan, mask, false);
    let pages = futures::stream::unfold(state, |(app, book, mut plan, mask, done)| async move {
        if done {
            return None;
        }
        let page = next_page(&app, &book, &mut plan, &mask).await;
        let done = !matches!(&page, Ok((_, true)));
        let text = page.map(|(text, _)| Bytes::from(text));
        Some((text, (app, book, plan, mask, done)))
    });
    let head = [(header::CONTENT_TYPE, header(NDJSON))];
    (head, Body::from_stream(pages)).into_response()
}

/// One page of an export as lines, and whether there are more. A failure breaks the answer off, so that nobody takes a part
/// for the whole.
async fn next_page(
    app: &App,
    book: &Arc<Book>,
    plan: &mut Plan,
    mask: &Mask,
) -> Result<(String, bool), std::io::Error> {
    plan.request.limit = LIMIT_MAX;
    let permit = app.query_permit().await;
    let (book, filter, request, mask) = (
        Arc::clone(book),
        plan.filter.clone(),
        plan.request.clone(),
        mask.clone(),
    );
    let page = blocking(move || {
        let rows = read(&book, &filter, &request, &mask)?;
        drop(permit);
        let more = rows.len() > request.limit;
        let shown = rows.get(..request.limit).unwrap_or(&rows);
        let text: String = shown.iter().map(|row| item(row, &mask) + "\n").collect();
        Ok((text, shown.last().map(|row| row.index), more))
    });
    let (text, last, more) = page
        .await
        .map_err(|problem| std::io::Error::other(problem.detail))?;
    plan.request.after = last.or(plan.request.after);
    Ok((text, more))
}
