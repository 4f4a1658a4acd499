//! What an organisation's customers carry, beside what its catalogue says of it.

use std::collections::{BTreeMap, HashMap};

use comfy_table::{Table, presets::NOTHING};
use shared::{
    Error,
    domain::{CategoryId, Definition, OrgId, PageRequest, Policy, Rule, Value},
    store::{Carried, ScanPosition, Store},
};

use super::super::{database::retry_while_unavailable, table};
use crate::output::{self, OutputError, printable};

/// Distinct values of a category that are told apart, so that memory is bounded.
const MAX_DISTINCT_VALUES: usize = 1000;

/// Values of a category that are shown, and characters of each.
const SHOWN_VALUES: usize = 5;
const SHOWN_CHARACTERS: usize = 40;

/// Definitions that are read at once.
const DEFINITIONS_PER_PAGE: usize = 1000;

/// What is carried and what is defined, by category.
pub(super) struct Survey {
    org: OrgId,
    policy: Policy,
    found: BTreeMap<CategoryId, Found>,
}

/// What is carried of a category.
pub(super) struct Found {
    rule: Rule,
    carriers: u64,
    without_value: u64,
    /// The first [`MAX_DISTINCT_VALUES`] that were met.
    values: HashMap<Value, Carriers>,
    /// Customers who carry further values.
    of_further_values: u64,
    /// Customers who could not be given now what they carry.
    violations: u64,
}

/// Who carries a value.
#[derive(Clone, Copy)]
struct Carriers {
    count: u64,
    /// Whether the catalogue admits the value.
    is_admitted: bool,
}

impl Survey {
    /// Reads the catalogue, and then the whole table.
    ///
    /// # Errors
    /// The database's failure.
    pub(super) async fn conduct(store: &Store, org: &OrgId) -> shared::Result<Self> {
        let policy = retry_while_unavailable(|| store.policy(org)).await?;
        let mut found = BTreeMap::new();
        for definition in definitions(store, org).await? {
            found.insert(definition.id, Found::new(Rule::Defined(Box::new(definition.attributes))));
        }
        let mut survey = Self { org: org.clone(), policy, found };
        survey.read_table(store).await?;
        Ok(survey)
    }

    async fn read_table(&mut self, store: &Store) -> shared::Result<()> {
        let org = self.org.clone();
        let carried = async |from: Option<&ScanPosition>| store.carried(&org, from).await;
        table::read(store, carried, async |found: Vec<Carried>| {
            for carried in found {
                self.add(carried);
            }
            shared::Result::Ok(())
        })
        .await
    }

    fn add(&mut self, Carried { id, value }: Carried) {
        let unknown = || Found::new(Rule::Undefined(self.policy));
        self.found.entry(id).or_insert_with(unknown).add(id, value);
    }

    /// Categories that are carried and not defined.
    pub(super) fn undefined(&self) -> impl Iterator<Item = (CategoryId, &Found)> {
        let undefined = |found: &Found| matches!(found.rule, Rule::Undefined(_));
        self.found.iter().filter(move |(_, found)| undefined(found)).map(|(id, found)| (*id, found))
    }

    /// Prints a row for each category that is carried or defined, and remarks on standard error.
    ///
    /// # Errors
    /// Where standard output can't be written.
    pub(super) fn show(&self) -> Result<(), OutputError> {
        if self.found.is_empty() {
            output::remark(format_args!(
                "No customer of {0} carries a category, and {0} defines none.",
                self.org
            ));
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["ID", "NAME", "CARRIERS", "VALUES", "VIOLATIONS"]);
        for (id, found) in &self.found {
            table.add_row([
                id.to_string(),
                printable(&found.name()).into_owned(),
                found.carriers.to_string(),
                printable(&found.shown_values()).into_owned(),
                printable(&found.shown_violations()).into_owned(),
            ]);
        }
        output::line(table.trim_fmt())?;
        for (id, found) in self.found.iter().filter(|(_, found)| found.of_further_values > 0) {
            output::remark(format_args!(
                "Of category {id}, {MAX_DISTINCT_VALUES} distinct values are told apart; further ones are carried \
                 {} times.",
                found.of_further_values
            ));
        }
        Ok(())
    }
}

impl Found {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            carriers: 0,
            without_value: 0,
            values: HashMap::new(),
            of_further_values: 0,
            violations: 0,
        }
    }

    fn add(&mut self, id: CategoryId, value: Option<Value>) {
        self.carriers += 1;
        let known = value.as_ref().and_then(|value| self.values.get_mut(value));
        let is_admitted = if let Some(carriers) = known {
            carriers.count += 1;
            carriers.is_admitted
        } else {
            let is_admitted = self.rule.admit(id, value.as_ref()).is_ok();
            match value {
                None => self.without_value += 1,
                Some(value) if self.values.len() < MAX_DISTINCT_VALUES => {
                    self.values.insert(value, Carriers { count: 1, is_admitted });
                }
                Some(_) => self.of_further_values += 1,
            }
            is_admitted
        };
        self.violations += u64::from(!is_admitted);
    }

    /// All distinct values in their order, unless they are more than are told apart.
    pub(super) fn all_values(&self) -> Option<Vec<&Value>> {
        let mut values: Vec<&Value> = self.values.keys().collect();
        values.sort_unstable();
        (self.of_further_values == 0).then_some(values)
    }

    fn name(&self) -> String {
        match &self.rule {
            Rule::Defined(definition) => format!("{:?}", definition.name.as_str()),
            Rule::Undefined(_) => String::new(),
        }
    }

    fn shown_values(&self) -> String {
        let values = self.values.iter().map(|(value, carriers)| (Some(value), carriers.count));
        let without = (self.without_value > 0).then_some((None, self.without_value));
        self.shown(values.chain(without).collect())
    }

    fn shown_violations(&self) -> String {
        let problem = match &self.rule {
            _ if self.violations == 0 => return String::new(),
            Rule::Undefined(_) => "not defined",
            Rule::Defined(definition) if definition.archived => "archived",
            Rule::Defined(_) => {
                let not_valid = self.values.iter().filter(|(_, carriers)| !carriers.is_admitted);
                let not_valid = not_valid.map(|(value, carriers)| (Some(value), carriers.count)).collect();
                return format!("{} not valid: {}", self.violations, self.shown(not_valid));
            }
        };
        format!("{} {problem}", self.violations)
    }

    /// The values that most customers carry, each with their number, and how many values there are besides.
    fn shown(&self, mut values: Vec<(Option<&Value>, u64)>) -> String {
        values.sort_unstable_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
        let more = values.len().saturating_sub(SHOWN_VALUES);
        let mut shown: Vec<String> = values
            .iter()
            .take(SHOWN_VALUES)
            .map(|(value, count)| format!("{} {count}", quoted(*value)))
            .collect();
        if self.of_further_values > 0 {
            shown.push(format!("more than {more} more"));
        } else if more > 0 {
            shown.push(format!("{more} more"));
        }
        shown.join(", ")
    }
}

/// A value as a terminal can show it.
fn quoted(value: Option<&Value>) -> String {
    let Some(value) = value else { return "null".to_owned() };
    match value.as_str().char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{:?}…", value.as_str().get(..end).unwrap_or_default()),
        None => format!("{:?}", value.as_str()),
    }
}

async fn definitions(store: &Store, org: &OrgId) -> shared::Result<Vec<Definition>> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { limit: DEFINITIONS_PER_PAGE, after };
        match retry_while_unavailable(|| store.list(org, page, None)).await {
            // There has never been one.
            Err(Error::NotFound(_)) => return Ok(all),
            Err(failure) => return Err(failure),
            Ok(page) => {
                all.extend(page.items);
                after = page.end;
            }
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}
