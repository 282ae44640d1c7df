//! What a list comes to: counts by field, and over time.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_query::{FacetField, HistogramRequest, SeriesOf};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::extract::{Path, Query, bad_parameter, unfit_parameter};
use super::item::header;
use super::list::{as_of, filter};
use super::media::JSON;
use super::schema::{FacetsBody, HistogramBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::Problem;
use crate::state::App;
use crate::trail::Access;

const FIELDS_MAX: usize = 16;
const VALUES_MAX: usize = 1000;
const BUCKETS_MAX: usize = 1000;

/// Which records to count, by which fields.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct FacetsQuery {
    /// The filter.
    q: Option<String>,
    /// Fields to count by, with commas between: `decision,model,context.env`. Nothing: decision, model and kind.
    #[param(pattern = "^[^,]*(,[^,]*){0,15}$")]
    field: Option<String>,
    /// Values of each field, the most frequent first.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The size of the log to look at.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    as_of: Option<u64>,
}

/// Count records by the values of fields.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/facets", tag = "records", operation_id = "getFacets",
    params(("ledger" = String, Path, description = "Name of the ledger"), FacetsQuery),
    responses((status = 200, description = "Counts", body = FacetsBody), Refusals),
)]
pub(crate) async fn facets(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<FacetsQuery>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Search).await?;
    let mask = app.mask(&asking, &ledger);
    let limit = bounded("limit", query.limit, 20, VALUES_MAX)?;
    let names = query
        .field
        .clone()
        .unwrap_or_else(|| "decision,model,kind".to_owned());
    let fields = names
        .split(',')
        .map(|name| field("field", name))
        .collect::<Result<Vec<_>, _>>()?;
    if fields.len() > FIELDS_MAX {
        return Err(bad_parameter(
            "field",
            format!("field names at most {FIELDS_MAX} fields"),
        ));
    }
    let filter = filter(&app, query.q.as_deref())?;
    let as_of = as_of(&book, query.as_of)?;
    let permit = app.query_permit().await?;
    let counted = blocking(move || {
        let facets = book.query.facets(&filter, as_of, &fields, limit, &mask)?;
        drop(permit);
        Ok(facets)
    })
    .await;
    let access = noted("facets", &ledger, query.q.as_deref(), &counted);
    app.trail.note(&asking, &access).await?;
    let facets = counted?;
    let values = facets
        .facets
        .iter()
        .zip(names.split(','))
        .map(|(facet, name)| {
            let values = facet
                .values
                .iter()
                .map(|value| json!({"value": value.value, "count": value.count}));
            json!({"field": name, "values": values.collect::<Vec<_>>(), "other": facet.other})
        });
    let body = json!({
        "as_of": as_of, "matched": facets.matched, "facets": values.collect::<Vec<_>>()
    });
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

/// Which records to count, over which time.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramQuery {
    /// The filter.
    q: Option<String>,
    /// Field whose values are counted apart, such as `decision`.
    by: Option<String>,
    /// Most intervals.
    #[param(minimum = 1, maximum = 1000)]
    buckets: Option<usize>,
    /// Begin, RFC 3339. Nothing: the first time there is.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// End, RFC 3339. Nothing: the last time there is.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// The size of the log to look at.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    as_of: Option<u64>,
}

/// Count records over time.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/histogram", tag = "records", operation_id = "getHistogram",
    params(("ledger" = String, Path, description = "Name of the ledger"), HistogramQuery),
    responses((status = 200, description = "Counts by interval", body = HistogramBody), Refusals),
)]
pub(crate) async fn histogram(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<HistogramQuery>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Search).await?;
    let mask = app.mask(&asking, &ledger);
    let buckets = bounded("buckets", query.buckets, 60, BUCKETS_MAX)?;
    let by = query
        .by
        .as_deref()
        .map(|name| field("by", name))
        .transpose()?;
    let filter = filter(&app, query.q.as_deref())?;
    let as_of = as_of(&book, query.as_of)?;
    let (from, to) = (query.from, query.to);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(unfit_parameter("to", "the end is not after the begin"));
    }
    let request = HistogramRequest {
        as_of,
        by,
        from,
        to,
        buckets,
    };
    let permit = app.query_permit().await?;
    let counted = blocking(move || {
        let histogram = book.query.histogram(&filter, &request, &mask)?;
        drop(permit);
        Ok(histogram)
    })
    .await;
    let access = noted("histogram", &ledger, query.q.as_deref(), &counted);
    app.trail.note(&asking, &access).await?;
    let histogram = counted?;
    let series = histogram.series.iter().map(|series| {
        let (of, value) = match &series.of {
            SeriesOf::All => ("all", None),
            SeriesOf::Value(value) => ("value", Some(value)),
            SeriesOf::Other => ("other", None),
            SeriesOf::Absent => ("absent", None),
        };
        json!({"of": of, "value": value, "counts": series.counts})
    });
    let body = json!({
        "as_of": as_of,
        "from": histogram.from.to_string(),
        "to": histogram.to.to_string(),
        "step_s": histogram.step.as_secs(),
        "series": series.collect::<Vec<_>>(),
    });
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

fn noted<'a, T>(
    action: &'static str,
    ledger: &'a str,
    q: Option<&'a str>,
    counted: &Result<T, Problem>,
) -> Access<'a> {
    Access {
        object: q,
        result: counted
            .as_ref()
            .map_or_else(|problem| problem.code.name(), |_| "ok"),
        ..Access::of(action, ledger)
    }
}

fn field(parameter: &str, name: &str) -> Result<FacetField, Problem> {
    FacetField::named(name.trim()).map_err(|nearest| {
        let problem = unfit_parameter(parameter, format!("{:?} is not a field", name.trim()));
        match nearest {
            Some(nearest) => problem.hint(format!("did you mean {nearest}?")),
            None => problem,
        }
    })
}

fn bounded(name: &str, given: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    let number = given.unwrap_or(default);
    if (1..=max).contains(&number) {
        Ok(number)
    } else {
        Err(bad_parameter(name, format!("{name} is from 1 to {max}")))
    }
}
