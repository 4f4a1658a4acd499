//! The figures as JSON, and as tables in the benchmark's own document.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde::Serialize;

use crate::{
    built, chart,
    compare::{Figures, Settings},
    operations::Operation,
    scale::Pages,
};

const FIGURES: &str = "tests/benches/figures.json";
const CHART: &str = "tests/benches/figures.svg";
const BEGIN: &str = "<!-- begin: written by `cargo bench` -->\n";
const END: &str = "<!-- end: written by `cargo bench` -->\n";

/// Lambda's price per GB and second on arm64 in us-east-1, in USD, and the memory of a function.
const GB_SECOND: f64 = 0.000_013_333_4;
const MEMORY_GB: f64 = 0.125;

/// List prices of a million in USD: DynamoDB's request units; HTTP API, Lambda's requests, access log
/// and the request's line.
const READ_UNIT: f64 = 0.125;
const WRITE_UNIT: f64 = 0.625;
const PER_REQUEST: f64 = 1.00 + 0.20 + 0.20 + 0.35;

#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    settings: Settings,
    contestants: Vec<Figures>,
    /// Zipped, in MB.
    packages: BTreeMap<&'static str, f64>,
    operations: Vec<Operation>,
    pages: Vec<Pages>,
}

impl Report {
    pub fn new(
        conditions: &str,
        settings: &Settings,
        contestants: Vec<Figures>,
        sizes: BTreeMap<&'static str, usize>,
        operations: Vec<Operation>,
        pages: Vec<Pages>,
    ) -> Self {
        let packages = sizes.into_iter().map(|(name, bytes)| (name, bytes as f64 / 1e6)).collect();
        Self {
            machine: format!("{}, {conditions}", machine()),
            settings: *settings,
            contestants,
            packages,
            operations,
            pages,
        }
    }

    pub fn print(&self) {
        println!("{}", self.text());
    }

    /// Writes the JSON, the chart, and the document's part.
    pub fn write(&self) {
        let root = built::root();
        fs::write(root.join(FIGURES), serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
        chart::draw(&root.join(CHART), &self.contestants, self.settings.share);
        let path = root.join("tests/benches/README.md");
        let readme = fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).expect("the document has a place for figures");
        let (_, after) = rest.split_once(END).expect("the document has an end of figures");
        fs::write(path, format!("{before}{BEGIN}{}{END}{after}", self.text())).unwrap();
    }

    fn text(&self) -> String {
        let Settings { rounds, warm, latency, share } = self.settings;
        let mut text = format!(
            "{}; {rounds} starts of each, {warm} warm requests after every start, DynamoDB {} ms away. Medians.\n\n",
            self.machine,
            latency.as_millis()
        );
        text += &self.comparison(share);
        text += "\n![The same as a chart, on a logarithmic scale](figures.svg)\n\n";
        text += &self.targets(share);
        text += "\n";
        text += &self.page_table();
        text += "\n";
        text += &self.prices(share);
        text
    }

    fn comparison(&self, share: f64) -> String {
        type Row<'a> = (String, &'a dyn Fn(&Figures) -> Option<String>);

        let ms = |value: f64| Some(format!("{} ms", number(value)));
        let rows: [Row; 13] = [
            ("init".into(), &|of_one| ms(of_one.init.median)),
            ("… without opening the connection".into(), &|of_one| {
                ms(of_one.init_unconnected.as_ref()?.median)
            }),
            ("first request".into(), &|of_one| ms(of_one.first.median)),
            (format!("… at {:.0} % of a core", share * 100.0), &|of_one| {
                ms(of_one.at_share.as_ref()?.first.median)
            }),
            ("… of that, the key's look-up".into(), &|of_one| {
                ms(of_one.at_share.as_ref()?.key_look_up.as_ref()?.median)
            }),
            ("warm request".into(), &|of_one| ms(of_one.warm.median)),
            ("… 99th percentile".into(), &|of_one| ms(of_one.warm_p99)),
            ("CPU until the first answer is out".into(), &|of_one| ms(of_one.cold_cpu.median)),
            ("CPU of a warm request".into(), &|of_one| ms(of_one.warm_cpu.median)),
            ("instructions of a warm request".into(), &|of_one| {
                Some(format!("{} k", of_one.warm_instructions? / 1000))
            }),
            ("peak memory".into(), &|of_one| Some(format!("{} MB", number(of_one.peak_memory)))),
            ("package, zipped".into(), &|of_one| Some(format!("{} MB", number(of_one.package)))),
            ("connections to DynamoDB".into(), &|of_one| Some(of_one.connections.to_string())),
        ];
        let names: Vec<&str> = self.contestants.iter().map(|of_one| of_one.name.as_str()).collect();
        let mut table = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for (name, value) in rows {
            let cells: Vec<String> =
                self.contestants.iter().map(|of_one| value(of_one).unwrap_or_default()).collect();
            writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
        }
        table
    }

    fn contestant(&self, name: &str) -> Option<&Figures> {
        self.contestants.iter().find(|of_one| of_one.name.starts_with(name))
    }

    fn targets(&self, share: f64) -> String {
        let mut table = "| | target | measured |\n|---|---|---|\n".to_owned();
        let Some(ours) = self.contestant("this service") else { return table };
        let mut row = |name: &str, target: &str, measured: Option<String>| {
            let measured = measured.unwrap_or_else(|| "not here".to_owned());
            writeln!(table, "| {name} | {target} | {measured} |").unwrap();
        };
        let times = |value: f64| format!("{}×", number(value));
        let ratio =
            |name: &str, of: &dyn Fn(&Figures) -> Option<f64>| Some(of(self.contestant(name)?)? / of(ours)?);
        let init = |of_one: &Figures| Some(of_one.init.median);
        let first = |of_one: &Figures| {
            let at_share = of_one.at_share.as_ref()?;
            let look_up = at_share.key_look_up.as_ref().map_or(0.0, |look_up| look_up.median);
            Some(at_share.first.median - look_up)
        };
        let warm = |of_one: &Figures| Some(of_one.warm.median);
        let warm_cpu = |of_one: &Figures| Some(of_one.warm_cpu.median);
        let cold = |of_one: &Figures| Some(of_one.cold_cpu.median);
        let minimal = self.contestant("minimal").map(|of_one| of_one.init.median);
        let unconnected = ours.init_unconnected.as_ref().zip(minimal);
        row(
            "init against the minimal bootstrap",
            "≤ 2.1×",
            ratio("minimal", &init).map(|part| times(1.0 / part)),
        );
        row(
            "… without opening the connection",
            "≤ 1.6×",
            unconnected.map(|(unconnected, minimal)| times(unconnected.median / minimal)),
        );
        let at = format!("first request at {:.0} % of a core, but for the key's look-up", share * 100.0);
        row(&at, "≤ 1 ms", first(ours).map(|value| format!("{} ms", number(value))));
        row("… against the SDK's defaults", "≥ 300×", ratio("SDK", &first).map(times));
        for (name, of) in
            [("warm request", &warm as &dyn Fn(&Figures) -> _), ("CPU of a warm request", &warm_cpu)]
        {
            row(name, "≤ 0.150 ms", of(ours).map(|value| format!("{} ms", number(value))));
            row("… against the SDK's defaults", "≤ 0.6×", ratio("SDK", of).map(|part| times(1.0 / part)));
            row("… against Node", "≥ 9×", ratio("Node", of).map(times));
            row("… against Python", "≥ 9×", ratio("Python", of).map(times));
        }
        row(
            "CPU until the first answer is out",
            "≤ 4.5 ms",
            Some(format!("{} ms", number(ours.cold_cpu.median))),
        );
        row("… against Node", "≥ 25×", ratio("Node", &cold).map(times));
        row("… against Python", "≥ 25×", ratio("Python", &cold).map(times));
        row("peak memory", "≤ 8 MB", Some(format!("{} MB", number(ours.peak_memory))));
        let largest = self.packages.values().copied().fold(0.0, f64::max);
        row("largest package of the seven, zipped", "≤ 2.4 MB", Some(format!("{} MB", number(largest))));
        row(
            "instructions of a warm request",
            "≤ 700 k",
            ours.warm_instructions.map(|count| format!("{} k", count / 1000)),
        );
        row("connections to DynamoDB", "1", Some(ours.connections.to_string()));
        row(
            "calls: the first request (with the key's look-up), a warm one",
            "2, 1",
            Some(format!("{}, {}", ours.calls_first.len(), ours.calls_warm.len())),
        );
        table
    }

    fn page_table(&self) -> String {
        let mut table =
            "| function | items | pages | CPU per page | of the most | against the query alone | peak \
                         memory |\n|---|---|---|---|---|---|---|\n"
                .to_owned();
        for pages in &self.pages {
            writeln!(
                table,
                "| `{}` | {} | {} | {} ms | {} ms | {}× | {} MB |",
                pages.function,
                grouped(pages.items),
                pages.count,
                number(pages.cpu),
                number(pages.cpu_most),
                number(pages.cpu / pages.cpu_query_alone),
                number(pages.peak_memory)
            )
            .unwrap();
        }
        let flat: Vec<String> = self
            .pages
            .iter()
            .filter_map(|pages| {
                let (early, late) = pages.memory_after?;
                let function = pages.function;
                Some(format!("`{function}` {} MB and {} MB", number(early), number(late)))
            })
            .collect();
        writeln!(
            table,
            "\nMemory in use after 1,000 and after 10,000 requests of 1,000 items: {}.",
            flat.join(", ")
        )
        .unwrap();
        table
    }

    /// What a million warm requests cost, by the time that Lambda bills for them. Of the others only
    /// getCategory is measured: what they take longer there is added to every operation.
    fn prices(&self, share: f64) -> String {
        let read = |of_one: &Figures| Some(of_one.at_share.as_ref()?.warm_billed.median);
        let Some(ours) = self.contestant("this service").and_then(read) else { return String::new() };
        let others: Vec<(&str, f64)> = self
            .contestants
            .iter()
            .filter(|of_one| of_one.name.starts_with("Node") || of_one.name.starts_with("Python"))
            .filter_map(|of_one| Some((of_one.name.as_str(), read(of_one)? - ours)))
            .collect();
        let mut table =
            format!("| a million, in USD | billed at {:.0} % of a core | for it | all in |", share * 100.0);
        for (name, _) in &others {
            write!(table, " {name}: billed | for it | all in |").unwrap();
        }
        writeln!(table, "\n|---|---|---|---|{}", "---|---|---|".repeat(others.len())).unwrap();
        for operation in &self.operations {
            let units = operation.read_units * READ_UNIT + operation.write_units * WRITE_UNIT;
            let mut cells = vec![format!("`{}`", operation.function)];
            let longer = std::iter::once(0.0).chain(others.iter().map(|(_, longer)| *longer));
            for longer in longer {
                let billed = (operation.billed.median + longer).ceil();
                let duration = billed / 1000.0 * MEMORY_GB * GB_SECOND * 1e6;
                cells.push(format!("{billed} ms"));
                cells.push(format!("{duration:.3}"));
                cells.push(format!("{:.2}", PER_REQUEST + units + duration));
            }
            writeln!(table, "| {} |", cells.join(" | ")).unwrap();
        }
        table
    }
}

/// With three digits that count.
pub fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

pub fn grouped(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model).to_owned();
    format!("{model}, {}", std::env::consts::ARCH)
}
