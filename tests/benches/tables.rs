//! The figures as tables.

use std::fmt::Write as _;

use crate::{
    batch::{CHANGES, Sent, Way},
    compare::Figures,
    functions::Function,
    operations::Operation,
    prices::{Prices, Use},
    report::{Report, grouped, number},
    scale::Pages,
};

/// A table of Markdown.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        writeln!(table, "| {} |", row.join(" | ")).unwrap();
    }
    table
}

fn ms(value: f64) -> String {
    format!("{} ms", number(value))
}

fn mb(value: f64) -> String {
    format!("{} MB", number(value))
}

fn usd(value: f64) -> String {
    format!("{value:.2}")
}

type Row<'a> = (String, &'a dyn Fn(&Figures) -> Option<String>);

fn of_contestants(contestants: &[&Figures], rows: &[Row<'_>]) -> String {
    let mut head = vec![""];
    head.extend(contestants.iter().map(|of_one| of_one.name.as_str()));
    let rows = rows.iter().map(|(name, value)| {
        let cells = contestants.iter().map(|of_one| value(of_one).unwrap_or_default());
        std::iter::once(name.clone()).chain(cells).collect()
    });
    table(&head, rows)
}

/// What matters most, of what somebody could choose.
pub fn summary(report: &Report) -> String {
    let at = format!("{:.0} % of a core", report.settings.share * 100.0);
    let chosen: Vec<&Figures> =
        report.contestants.iter().filter(|of_one| !of_one.name.starts_with("minimal")).collect();
    let prices = Prices::documented();
    let is_ours = |of_one: &Figures| of_one.name == "this service";
    let per_million = |used: Use| Some(format!("{} USD", usd(1e6 * prices.of(used))));
    let put = report.operation("set-category");
    let together = report.way(Sent::Together, 100).filter(|way| way.billed.is_some());
    of_contestants(
        &chosen,
        &[
            (format!("**cold**: start, and first request at {at}"), &|of_one| of_one.cold().map(ms)),
            ("**warm**: request, without the database's time".into(), &|of_one| Some(ms(of_one.warm.median))),
            ("… CPU of it".into(), &|of_one| Some(ms(of_one.warm_cpu.median))),
            ("**price**: a million reads, all in".into(), &|of_one| {
                per_million(report.used(report.operation("get-category")?, Some(of_one))?)
            }),
            ("… a million changes by PUT".into(), &|of_one| per_million(report.used(put?, Some(of_one))?)),
            ("… in batches of 100".into(), &|of_one| {
                per_million(together.filter(|_| is_ours(of_one))?.of_one())
            }),
            ("peak memory".into(), &|of_one| Some(mb(of_one.peak_memory))),
        ],
    )
}

pub fn comparison(contestants: &[Figures], share: f64) -> String {
    let all: Vec<&Figures> = contestants.iter().collect();
    of_contestants(
        &all,
        &[
            ("init".into(), &|of_one| Some(ms(of_one.init.median))),
            ("… without opening the connection".into(), &|of_one| {
                Some(ms(of_one.init_unconnected?.median))
            }),
            ("first request".into(), &|of_one| Some(ms(of_one.first.median))),
            (format!("… at {:.0} % of a core", share * 100.0), &|of_one| {
                Some(ms(of_one.at_share.as_ref()?.first.median))
            }),
            ("… of that, the key's look-up".into(), &|of_one| {
                Some(ms(of_one.at_share.as_ref()?.key_look_up?.median))
            }),
            ("warm request".into(), &|of_one| Some(ms(of_one.warm.median))),
            ("… 99th percentile".into(), &|of_one| Some(ms(of_one.warm_p99))),
            ("CPU until the first answer is out".into(), &|of_one| Some(ms(of_one.cold_cpu.median))),
            ("CPU of a warm request".into(), &|of_one| Some(ms(of_one.warm_cpu.median))),
            ("peak memory".into(), &|of_one| Some(mb(of_one.peak_memory))),
            ("package, zipped".into(), &|of_one| Some(mb(of_one.package))),
            ("connections to DynamoDB".into(), &|of_one| Some(of_one.connections.to_string())),
        ],
    )
}

pub fn functions(functions: &[Function]) -> String {
    let rows = functions.iter().map(|function| {
        vec![
            format!("`{}`", function.name),
            mb(function.package),
            ms(function.init.median),
            ms(function.cpu.median),
            function.instructions.map(|count| format!("{} k", count / 1000)).unwrap_or_default(),
            mb(function.peak_memory),
        ]
    });
    table(
        &[
            "function",
            "package, zipped",
            "init",
            "CPU of a warm request",
            "instructions of it",
            "peak memory",
        ],
        rows,
    )
}

pub fn batch(ways: &[Way], share: f64) -> String {
    let prices = Prices::documented();
    let billed = format!("billed at {:.0} % of a core", share * 100.0);
    let head = [
        "100 changes",
        "time",
        "CPU",
        "calls",
        "in a row",
        "of these, commits",
        "read, write units",
        &billed,
        "a million changes, all in",
        "peak memory",
    ];
    let rows = ways.iter().map(|way| {
        let how = match way.sent {
            Sent::Together => "in a batch",
            Sent::OneByOne => "as PUTs",
        };
        vec![
            format!("of {} customers, {how}", way.customers),
            ms(way.took),
            ms(way.cpu),
            way.calls.to_string(),
            way.in_a_row.to_string(),
            way.commits_in_a_row.to_string(),
            format!("{}, {}", way.read_units, way.write_units),
            way.billed.map(|billed| format!("{billed:.0} ms")).unwrap_or_default(),
            way.billed.map(|_| format!("{} USD", usd(1e6 * prices.of(way.of_one())))).unwrap_or_default(),
            mb(way.peak_memory),
        ]
    });
    let against = [
        "a batch against PUTs one after another",
        "time",
        "CPU",
        "calls",
        "duration that is billed",
        "price, all in",
    ];
    let ratios = ways.as_chunks().0.iter().map(|[together, one_by_one]| {
        let part = |of: &dyn Fn(&Way) -> f64| format!("{}×", number(of(together) / of(one_by_one)));
        vec![
            format!("of {} customers", together.customers),
            part(&|way| way.took),
            part(&|way| way.cpu),
            part(&|way| way.calls as f64),
            part(&|way| way.of_one().billed),
            part(&|way| prices.of(way.of_one())),
        ]
    });
    table(&head, rows) + "\n" + &table(&against, ratios)
}

pub fn pages(pages: &[Pages]) -> String {
    let head = [
        "request",
        "items",
        "pages",
        "items in a page",
        "CPU per page",
        "of the most",
        "against the query alone",
        "peak memory",
    ];
    let rows = pages.iter().map(|pages| {
        let against = pages.cpu_query_alone.map(|alone| format!("{}×", number(pages.cpu / alone)));
        vec![
            format!("`{}`", pages.name),
            grouped(pages.items),
            pages.count.to_string(),
            grouped(pages.per_page),
            ms(pages.cpu),
            ms(pages.cpu_most),
            against.unwrap_or_default(),
            mb(pages.peak_memory),
        ]
    });
    let flat = pages.iter().filter_map(|pages| {
        let (early, late) = pages.memory_after?;
        Some(vec![format!("`{}`", pages.name), mb(early), mb(late)])
    });
    let memory = ["memory in use, pages of 1,000 items", "after 1,000 requests", "after 10,000"];
    table(&head, rows) + "\n" + &table(&memory, flat)
}

/// What a million warm requests cost, and a million changes in batches.
pub fn prices(report: &Report) -> String {
    let prices = Prices::documented();
    let others: Vec<&Figures> =
        ["Node", "Python"].into_iter().filter_map(|name| report.contestant(name)).collect();
    let mut head = vec![
        "a million, in USD".to_owned(),
        "read, write units".into(),
        format!("billed at {:.0} % of a core", report.settings.share * 100.0),
        "for it".into(),
        "all in".into(),
    ];
    head.extend(others.iter().flat_map(|other| [format!("{}: billed", other.name), "all in".into()]));
    let cells = |name: String, used: Use, others: Vec<String>| {
        let mut cells = vec![
            name,
            format!("{}, {}", used.read_units, used.write_units),
            format!("{} ms", number(used.billed)),
            format!("{:.3}", 1e6 * prices.of_duration(used)),
            usd(1e6 * prices.of(used)),
        ];
        cells.extend(others);
        cells
    };
    let of_operation = |operation: &Operation| {
        let used = report.used(operation, None)?;
        let others = others.iter().filter_map(|other| report.used(operation, Some(other)));
        let others = others.flat_map(|used| [format!("{:.0} ms", used.billed), usd(1e6 * prices.of(used))]);
        Some(cells(format!("`{}`", operation.function), used, others.collect()))
    };
    let of_way = |way: &Way| {
        way.billed?;
        let name = format!("changes in batches of {CHANGES}, {} customers", way.customers);
        Some(cells(name, way.of_one(), vec![String::new(); 2 * others.len()]))
    };
    let together = report.ways.iter().filter(|way| way.sent == Sent::Together);
    let rows = report.operations.iter().filter_map(of_operation).chain(together.filter_map(of_way));
    table(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}
