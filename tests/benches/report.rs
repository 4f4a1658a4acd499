//! All that was measured, as JSON, and in the benchmark's own documents.

use std::fs;

use serde::Serialize;

use crate::{
    batch::{Sent, Way},
    built, chart,
    compare::{Figures, Settings},
    document,
    functions::Function,
    operations::Operation,
    prices::Use,
    scale::Pages,
    tables, targets,
};

const FIGURES: &str = "tests/benches/figures.json";
const CHART: &str = "tests/benches/figures.svg";
const COMMAND: &str = "cargo bench";

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: String,
    pub settings: Settings,
    pub contestants: Vec<Figures>,
    pub functions: Vec<Function>,
    pub operations: Vec<Operation>,
    pub ways: Vec<Way>,
    pub pages: Vec<Pages>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(conditions: &str, settings: &Settings) -> Self {
        Self {
            machine: format!("{}, {conditions}", machine()),
            settings: *settings,
            contestants: vec![],
            functions: vec![],
            operations: vec![],
            ways: vec![],
            pages: vec![],
        }
    }

    pub fn contestant(&self, name: &str) -> Option<&Figures> {
        self.contestants.iter().find(|of_one| of_one.name.starts_with(name))
    }

    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    pub fn operation(&self, function: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.function == function)
    }

    pub fn way(&self, sent: Sent, customers: i32) -> Option<&Way> {
        self.ways.iter().find(|way| way.sent == sent && way.customers == customers)
    }

    /// What a warm request is billed for: this service's, or that of another contestant. Of those only getCategory is
    /// measured: what they take longer there is added to every operation.
    pub fn used(&self, operation: &Operation, contestant: Option<&Figures>) -> Option<Use> {
        let read = |of_one: &Figures| Some(of_one.at_share.as_ref()?.warm_billed.median);
        let longer = match contestant {
            None => 0.0,
            Some(contestant) => read(contestant)? - read(self.contestant("this service")?)?,
        };
        Some(Use {
            requests: 1.0,
            billed: (operation.billed.median + longer).ceil(),
            read_units: operation.read_units,
            write_units: operation.write_units,
        })
    }

    pub fn print(&self) {
        println!("{}\n{}", self.summary(), self.text());
    }

    /// Writes the JSON, the chart, and the documents' parts.
    pub fn write(&self) {
        let root = built::root();
        fs::write(root.join(FIGURES), serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
        chart::draw(&root.join(CHART), self);
        document::replace(document::README, COMMAND, &self.summary());
        document::replace(document::FIGURES, COMMAND, &self.text());
    }

    /// For who has ten seconds.
    fn summary(&self) -> String {
        let (_, met) = targets::all(self);
        format!(
            "{}\n![The same as a chart; shorter is better](figures.svg)\n\n{met} [All figures](FIGURES.md).\n",
            tables::summary(self)
        )
    }

    fn text(&self) -> String {
        let Settings { rounds, warm, latency, share } = self.settings;
        let conditions = format!(
            "{};\n{rounds} starts of each, {warm} warm requests after every start, DynamoDB {} ms away. Medians.\n",
            self.machine,
            latency.as_millis()
        );
        let parts = [
            (true, "Targets", targets::all(self).0),
            (
                !self.contestants.is_empty(),
                "Beside other ways to write it",
                tables::comparison(&self.contestants, share),
            ),
            (!self.functions.is_empty(), "Every function", tables::functions(&self.functions)),
            (
                !self.ways.is_empty(),
                "A batch of a hundred changes, and a hundred PUTs",
                tables::batch(&self.ways, share),
            ),
            (!self.pages.is_empty(), "As collections grow", tables::pages(&self.pages)),
            (!self.operations.is_empty(), "Prices", tables::prices(self)),
        ];
        let parts = parts.into_iter().filter(|(measured, ..)| *measured);
        parts.fold(conditions, |text, (_, heading, part)| format!("{text}\n## {heading}\n\n{part}"))
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

/// With a comma between thousands.
pub fn grouped(number: usize) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", grouped(number / 1000), number % 1000)
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model).to_owned();
    format!("{model}, {}", std::env::consts::ARCH)
}
