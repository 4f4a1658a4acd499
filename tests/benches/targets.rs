//! What is to be reached, beside what was measured.

use std::fmt::Write as _;

use crate::{
    batch::Sent,
    compare::Figures,
    functions::Function,
    prices::Prices,
    report::{Report, number},
};

/// The functions whose answers, or requests, are large.
const LARGE: [&str; 6] = [
    "change-categories",
    "count-carriers",
    "list-carriers",
    "list-categories",
    "list-category-history",
    "list-definitions",
];

pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}
use Bound::{AtLeast, AtMost};

pub struct Target {
    what: String,
    bound: Bound,
    unit: &'static str,
    /// `None` where this machine can't.
    measured: Option<f64>,
}

pub fn target(what: impl Into<String>, bound: Bound, unit: &'static str, measured: Option<f64>) -> Target {
    Target { what: what.into(), bound, unit, measured }
}

impl Target {
    fn met(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.bound {
            AtMost(most) => measured <= most,
            AtLeast(least) => measured >= least,
        })
    }
}

/// Every target, and one line that counts those that were met.
pub fn all(report: &Report) -> (String, String) {
    let targets: Vec<Target> = [starts(report), warm(report), sizes(report), batches(report), growth(report)]
        .into_iter()
        .flatten()
        .collect();
    let met = targets.iter().filter(|target| target.met() == Some(true)).count();
    let measured = targets.iter().filter(|target| target.met().is_some()).count();
    (table(&targets), format!("{met} of {measured} targets are met."))
}

pub fn table(targets: &[Target]) -> String {
    let mut table = "| | target | measured | met |\n|---|---|---|---|\n".to_owned();
    for target in targets {
        let bound = match target.bound {
            AtMost(most) => format!("≤ {most}"),
            AtLeast(least) => format!("≥ {least}"),
        };
        let Target { what, unit, .. } = target;
        let measured = match target.measured {
            None => "not here".to_owned(),
            Some(count) if unit.is_empty() => format!("{count}"),
            Some(value) => format!("{}{unit}", number(value)),
        };
        let met = match target.met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        writeln!(table, "| {what} | {bound}{unit} | {measured} | {met} |").unwrap();
    }
    table
}

/// How many times longer another one takes.
fn times(report: &Report, name: &str, of: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
    Some(of(report.contestant(name)?)? / of(report.contestant("this service")?)?)
}

fn inverse(value: f64) -> f64 {
    1.0 / value
}

fn starts(report: &Report) -> Vec<Target> {
    let ours = report.contestant("this service");
    let init = |of_one: &Figures| Some(of_one.init.median);
    let first = |of_one: &Figures| {
        let at_share = of_one.at_share.as_ref()?;
        Some(at_share.first.median - at_share.key_look_up.map_or(0.0, |look_up| look_up.median))
    };
    let cold = |of_one: &Figures| Some(of_one.cold_cpu.median);
    let minimal = report.contestant("minimal").and_then(init);
    let unconnected = ours.and_then(|ours| Some(ours.init_unconnected?.median));
    let of = |name: &str| report.function(name).map(|function| function.init.median);
    let slowest = report.functions.iter().map(|function| function.init.median).reduce(f64::max);
    let at = format!(
        "first request at {:.0} % of a core, but for the key's look-up",
        report.settings.share * 100.0
    );
    vec![
        target(
            "init against the minimal bootstrap",
            AtMost(2.1),
            "×",
            times(report, "minimal", init).map(inverse),
        ),
        target(
            "… without opening the connection",
            AtMost(1.6),
            "×",
            unconnected.zip(minimal).map(|(ours, minimal)| ours / minimal),
        ),
        target(
            "init of the slowest function against `get-category`",
            AtMost(1.05),
            "×",
            slowest.zip(of("get-category")).map(|(slowest, ours)| slowest / ours),
        ),
        target(at, AtMost(1.0), " ms", ours.and_then(first)),
        target("… against the SDK's defaults", AtLeast(300.0), "×", times(report, "SDK", first)),
        target("CPU until the first answer is out", AtMost(4.5), " ms", ours.and_then(cold)),
        target("… against Node", AtLeast(25.0), "×", times(report, "Node", cold)),
        target("… against Python", AtLeast(25.0), "×", times(report, "Python", cold)),
    ]
}

fn warm(report: &Report) -> Vec<Target> {
    let ours = report.contestant("this service");
    let time = |of_one: &Figures| Some(of_one.warm.median);
    let cpu = |of_one: &Figures| Some(of_one.warm_cpu.median);
    let mut targets = Vec::new();
    for (name, of, of_defaults) in
        [("warm request", &time as &dyn Fn(&Figures) -> _, 0.55), ("CPU of a warm request", &cpu, 0.45)]
    {
        targets.extend([
            target(name, AtMost(0.15), " ms", ours.and_then(of)),
            target(
                "… against the SDK's defaults",
                AtMost(of_defaults),
                "×",
                times(report, "SDK", of).map(inverse),
            ),
            target("… against Node", AtLeast(9.0), "×", times(report, "Node", of)),
            target("… against Python", AtLeast(9.0), "×", times(report, "Python", of)),
        ]);
    }
    let instructions = report.function("get-category").and_then(|function| function.instructions);
    let count = |of: &dyn Fn(&Figures) -> usize| ours.map(|ours| of(ours) as f64);
    targets.extend([
        target(
            "instructions of a warm `get-category`",
            AtMost(700.0),
            " k",
            instructions.map(|count| count as f64 / 1000.0),
        ),
        target("connections to DynamoDB", AtMost(1.0), "", count(&|ours| ours.connections)),
        target(
            "calls of the first request, with the key's look-up",
            AtMost(2.0),
            "",
            count(&|ours| ours.calls_first.len()),
        ),
        target("calls of a warm one", AtMost(1.0), "", count(&|ours| ours.calls_warm.len())),
    ]);
    targets
}

fn sizes(report: &Report) -> Vec<Target> {
    let most =
        |of: &dyn Fn(&Function) -> Option<f64>| report.functions.iter().filter_map(of).reduce(f64::max);
    let is_large = |function: &Function| LARGE.contains(&function.name);
    let memory =
        |large| most(&|function: &Function| (is_large(function) == large).then_some(function.peak_memory));
    let of_pages = report.pages.iter().map(|pages| pages.peak_memory);
    let of_batches = report.ways.iter().filter(|way| way.sent == Sent::Together).map(|way| way.peak_memory);
    let large = of_pages.chain(of_batches).chain(memory(true)).reduce(f64::max);
    vec![
        target("largest package, zipped", AtMost(2.4), " MB", most(&|function| Some(function.package))),
        target("peak memory", AtMost(8.0), " MB", memory(false)),
        target("… of lists and batches, the largest", AtMost(16.0), " MB", large),
    ]
}

fn batches(report: &Report) -> Vec<Target> {
    let prices = Prices::documented();
    let mut targets = Vec::new();
    for customers in [100, 4] {
        let Some((together, one_by_one)) =
            report.way(Sent::Together, customers).zip(report.way(Sent::OneByOne, customers))
        else {
            continue;
        };
        let beyond = together.in_a_row - together.commits_in_a_row;
        let saved = 1.0 - prices.of(together.of_one()) / prices.of(one_by_one.of_one());
        targets.extend([
            target(
                format!("a batch of 100 changes of {customers} customers: round trips in a row, beside the commits'"),
                AtMost(3.0),
                "",
                Some(beyond as f64),
            ),
            target("… CPU against 100 PUTs", AtMost(0.25), "×", Some(together.cpu / one_by_one.cpu)),
            target(
                "… cheaper per change, all in",
                AtLeast(30.0),
                " %",
                together.billed.and(one_by_one.billed).map(|_| 100.0 * saved),
            ),
        ]);
    }
    let read = report.operation("get-category").and_then(|read| report.used(read, None));
    targets.push(target(
        "a million reads, all in",
        AtMost(1.55),
        " USD",
        read.map(|read| 1e6 * prices.of(read)),
    ));
    targets
}

/// Whether what a request takes grows with what there is: between full pages of lists, and, of a single answer, between
/// all sizes.
fn growth(report: &Report) -> Vec<Target> {
    let names: std::collections::BTreeSet<&str> = report.pages.iter().map(|pages| pages.name).collect();
    let of_name = |name: &str| {
        let of_it = report.pages.iter().filter(|pages| pages.name == name);
        let full = of_it.filter(|pages| pages.items >= 1000 || pages.per_page == 1).map(|pages| pages.cpu);
        let (least, most) =
            full.fold((f64::INFINITY, 0.0_f64), |(least, most), cpu| (least.min(cpu), most.max(cpu)));
        target(
            format!("CPU of `{name}`, the largest collection's against the smallest's"),
            AtMost(1.5),
            "×",
            Some(most / least),
        )
    };
    names.into_iter().map(of_name).collect()
}
