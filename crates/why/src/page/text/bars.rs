//! Contributions as bars, from the baseline to the value. What raises is filled, what lowers is hatched: the sign is seen
//! without colour, and stands before the number.

use crate::page::sheet::Waterfall;
use crate::page::text::layout::{Page, Style, columns, pad, pad_left, wrap};
use crate::page::words::{fixed, rough, signed};

/// A page narrower than this has the bars on lines of their own.
const BESIDE: usize = 76;
/// Most columns of bars.
const LONGEST: usize = 60;

/// Where names, numbers and bars stand.
struct Grid {
    beside: bool,
    names: usize,
    numbers: usize,
    bars: usize,
    low: f64,
    high: f64,
}

/// What is drawn on a line.
enum Mark {
    Bar(f64, f64),
    Place(f64),
}

pub(super) fn write(page: &mut Page, waterfall: &Waterfall) {
    let digits = waterfall.digits;
    let numbers: Vec<String> = waterfall
        .steps
        .iter()
        .map(|step| match step.error {
            Some(error) => {
                let about = if page.unicode { "±" } else { "+/-" };
                format!("{} {about}{}", signed(step.amount, digits), rough(error))
            }
            None => signed(step.amount, digits),
        })
        .collect();
    let names: Vec<String> = waterfall
        .steps
        .iter()
        .map(|step| page.safe(&format!("{}: {}", step.label, step.value)))
        .collect();
    let baseline = page.safe(&format!("from {}", waterfall.baseline));
    let rest = waterfall
        .rest
        .map(|(number, sum)| (format!("{number} more together (--json has all)"), sum));
    let end = match &waterfall.scale {
        Some(scale) => page.safe(&format!("to what the model says ({scale})")),
        None => "to what the model says".to_owned(),
    };
    let all_names = names
        .iter()
        .chain([&baseline, &end])
        .chain(rest.as_ref().map(|(name, _)| name));
    let widest = all_names.map(|name| columns(name)).max().unwrap_or(0);
    let ends = [waterfall.start, waterfall.value.unwrap_or(waterfall.end())];
    let longest_number = numbers.iter().map(|it| columns(it));
    let longest_end = ends.iter().map(|it| fixed(*it, digits).len());
    let grid = grid(
        page.width,
        widest,
        longest_number.chain(longest_end).max().unwrap_or(0),
        waterfall.range(),
    );

    let plain = |number: f64| fixed(number, digits);
    row(
        page,
        &grid,
        &baseline,
        &plain(ends[0]),
        Mark::Place(ends[0]),
    );
    let mut spans = waterfall.spans().into_iter();
    for ((name, number), span) in names.iter().zip(&numbers).zip(spans.by_ref()) {
        row(page, &grid, name, number, Mark::Bar(span.0, span.1));
    }
    if let (Some((name, sum)), Some(span)) = (&rest, spans.next()) {
        row(
            page,
            &grid,
            name,
            &signed(*sum, digits),
            Mark::Bar(span.0, span.1),
        );
    }
    row(page, &grid, &end, &plain(ends[1]), Mark::Place(ends[1]));
    if waterfall.value.is_none() {
        page.wrapped(
            2,
            "What the model says is not on record: this is the sum.",
            Style::Faint,
        );
    }
    let residual = match waterfall.residual {
        Some(0.0) => "residual 0: they add up to the last digit".to_owned(),
        Some(residual) => format!("residual {residual:+.1e}: what they do not add up to"),
        None => "residual not known: the baseline or the value is not on record".to_owned(),
    };
    page.wrapped(2, &residual, Style::Faint);
}

fn grid(width: usize, widest: usize, numbers: usize, (low, high): (f64, f64)) -> Grid {
    let room = width.saturating_sub(2);
    let beside = width >= BESIDE;
    let names = if beside {
        widest.min(room * 45 / 100)
    } else {
        room
    };
    let taken = if beside { names + 2 } else { 2 } + numbers + 2;
    Grid {
        beside,
        names,
        numbers,
        bars: room.saturating_sub(taken).clamp(4, LONGEST),
        low,
        high,
    }
}

fn row(page: &mut Page, grid: &Grid, name: &str, number: &str, mark: Mark) {
    let drawn = drawn(page, grid, &mark);
    let number = pad_left(number, grid.numbers);
    let lines = wrap(name, grid.names);
    if !grid.beside {
        for line in &lines {
            page.line(2, line);
        }
        page.line(4, &format!("{number}  {drawn}"));
        return;
    }
    for (place, line) in lines.iter().enumerate() {
        if place == 0 {
            page.line(2, &format!("{}  {number}  {drawn}", pad(line, grid.names)));
        } else {
            page.line(4, line);
        }
    }
}

fn drawn(page: &Page, grid: &Grid, mark: &Mark) -> String {
    let span = grid.high - grid.low;
    let column = |number: f64| -> usize {
        if span > 0.0 && span.is_finite() && number.is_finite() {
            let share = (number - grid.low) / span;
            (share * (grid.bars - 1) as f64).round() as usize
        } else {
            0
        }
    };
    match *mark {
        Mark::Place(at) => {
            let sign = if page.unicode { "│" } else { "|" };
            format!(
                "{}{}",
                " ".repeat(column(at)),
                page.paint(Style::Strong, sign)
            )
        }
        Mark::Bar(begin, end) => {
            let from = column(begin.min(end));
            let to = column(begin.max(end));
            let (filling, style) = match (end >= begin, page.unicode) {
                (true, true) => ("█", Style::Warn),
                (true, false) => ("+", Style::Warn),
                (false, true) => ("░", Style::Note),
                (false, false) => ("-", Style::Note),
            };
            let bar = filling.repeat(to.saturating_sub(from).max(1));
            format!("{}{}", " ".repeat(from), page.paint(style, &bar))
        }
    }
}
