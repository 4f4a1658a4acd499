//! What the demonstration consists of. The catalogue and one customer's history are told in files; other customers
//! go through the courses of another file, by chance that is the same every time.

use fastrand::Rng;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::{
    Author, CategoryId, CategoryPatch, CategoryPath, Customer, CustomerId, DefinitionPatch, DefinitionPath,
    KeyName, NewCategory, NewDefinition, OrgId, Reason, Timestamp,
};
use uuid::Builder;

/// The customer whose history is told; the same as in the documentation's examples.
pub(super) const SHOWCASE: &str = "123e4567-e89b-12d3-a456-556642440000";

const CATALOGUE: &str = include_str!("catalogue.jsonl");
const TOLD: &str = include_str!("showcase.jsonl");
const COURSES: &str = include_str!("courses.json");

const MS_PER_MINUTE: u64 = 60_000;
const MS_PER_DAY: u64 = 24 * 60 * MS_PER_MINUTE;

/// A change, and when it was made by whom.
pub(super) struct Step {
    pub at: Timestamp,
    pub author: Author,
    pub deed: Deed,
}

pub(super) enum Deed {
    Define(OrgId, NewDefinition),
    Redefine(DefinitionPath, DefinitionPatch),
    Give(Customer, NewCategory),
    Change(CategoryPath, CategoryPatch),
    Take(CategoryPath, Reason),
}

/// A line of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    days_ago: u64,
    /// Hour and minute, UTC.
    at: String,
    by: String,
    define: Option<Value>,
    redefine: Option<i32>,
    give: Option<Value>,
    change: Option<i32>,
    take: Option<i32>,
    patch: Option<Value>,
    reason: Option<String>,
}

/// How one category changes in the course of time: to the next value, or back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Course {
    id: i32,
    /// Of 100 customers, how many go through it.
    share: u8,
    /// Of 100 of these, how many carry it no longer.
    ends: u8,
    end: Cause,
    values: Vec<Stage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    value: Option<String>,
    /// Since when the catalogue has the value.
    from_days_ago: Option<u64>,
    by: String,
    reasons: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    by: String,
    reasons: Vec<String>,
}

/// All steps, in the order of their times.
///
/// # Errors
/// What is wrong with the files.
pub(super) fn tell(org: &OrgId, customers: u16, now: Timestamp) -> Result<Vec<Step>, String> {
    let midnight = now.as_millis() / MS_PER_DAY * MS_PER_DAY;
    let showcase = Customer { org: org.clone(), id: CustomerId::parse(SHOWCASE)? };
    let lines = CATALOGUE.lines().chain(TOLD.lines());
    let told =
        lines.map(|line| step(line, &showcase, midnight).map_err(|problem| format!("{line}: {problem}")));
    let mut steps = told.collect::<Result<Vec<_>, _>>()?;
    let courses: Vec<Course> = serde_json::from_str(COURSES).map_err(|error| error.to_string())?;
    for number in 1..customers {
        let mut chance = Rng::with_seed(number.into());
        let id = Builder::from_random_bytes(chance.u128(..).to_be_bytes()).into_uuid().to_string();
        let customer = Customer { org: org.clone(), id: CustomerId::parse(&id)? };
        let joined = chance.u64(30..720);
        for course in &courses {
            if chance.u8(..100) < course.share {
                course.run(&customer, joined, midnight, &mut chance, &mut steps)?;
            }
        }
    }
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

/// What a line says.
fn step(line: &str, customer: &Customer, midnight: u64) -> Result<Step, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (hour, minute) = line.at.split_once(':').ok_or("no time")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    let minutes = number(hour)? * 60 + number(minute)?;
    let at = Timestamp::from_millis(midnight - line.days_ago * MS_PER_DAY + minutes * MS_PER_MINUTE);
    let patch = line.patch.unwrap_or_default();
    let path = |id| CategoryPath { owner: customer.clone(), id: CategoryId::new(id) };
    let deed = match line {
        Line { define: Some(body), .. } => {
            Deed::Define(customer.org.clone(), parsed(NewDefinition::parse, &body)?)
        }
        Line { redefine: Some(id), .. } => {
            let path = DefinitionPath { owner: customer.org.clone(), id: CategoryId::new(id) };
            Deed::Redefine(path, parsed(DefinitionPatch::parse, &patch)?)
        }
        Line { give: Some(body), .. } => Deed::Give(customer.clone(), parsed(NewCategory::parse, &body)?),
        Line { change: Some(id), .. } => Deed::Change(path(id), parsed(CategoryPatch::parse, &patch)?),
        Line { take: Some(id), reason: Some(reason), .. } => Deed::Take(path(id), Reason::parse(reason)?),
        _ => return Err("no change".into()),
    };
    Ok(Step { at, author: author(&line.by)?, deed })
}

impl Course {
    /// Takes a customer, who joined so many days ago, through it.
    fn run(
        &self,
        customer: &Customer,
        joined: u64,
        midnight: u64,
        chance: &mut Rng,
        steps: &mut Vec<Step>,
    ) -> Result<(), String> {
        let path = CategoryPath { owner: customer.clone(), id: CategoryId::new(self.id) };
        let mut days_ago = joined - chance.u64(..20).min(joined - 1);
        let at = |days_ago: u64, chance: &mut Rng| {
            let within = chance.u64(7 * 60 * MS_PER_MINUTE..19 * 60 * MS_PER_MINUTE);
            Timestamp::from_millis(midnight - days_ago * MS_PER_DAY + within)
        };
        let (mut place, mut is_there) = (0, false);
        for _ in 0..chance.usize(1..=self.values.len() + 1) {
            let Some(stage) = self.values.get(place) else { break };
            if stage.from_days_ago.is_some_and(|from| days_ago > from) {
                break;
            }
            let reason = chance.choice(&stage.reasons).ok_or("no reasons")?;
            let said = json!({ "value": stage.value, "reason": reason });
            let deed = if is_there {
                Deed::Change(path.clone(), parsed(CategoryPatch::parse, &said)?)
            } else {
                let mut body = said;
                body["id"] = self.id.into();
                Deed::Give(customer.clone(), parsed(NewCategory::parse, &body)?)
            };
            steps.push(Step { at: at(days_ago, chance), author: author(&stage.by)?, deed });
            is_there = true;
            let rests = chance.u64(14..240);
            if days_ago <= rests {
                break;
            }
            days_ago -= rests;
            // Onwards as a rule, back at times, and from the last one always.
            let is_last = place + 1 == self.values.len();
            place = if (is_last || chance.u8(..100) < 25) && place > 0 { place - 1 } else { place + 1 };
        }
        if is_there && days_ago > 2 && chance.u8(..100) < self.ends {
            let reason = Reason::parse(chance.choice(&self.end.reasons).ok_or("no reasons")?.clone())?;
            let at = at(1, chance);
            steps.push(Step { at, author: author(&self.end.by)?, deed: Deed::Take(path, reason) });
        }
        Ok(())
    }
}

/// Reads what the body of a request would be.
fn parsed<T>(parse: impl Fn(&[u8]) -> shared::Result<T>, body: &Value) -> Result<T, String> {
    parse(body.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn author(name: &str) -> Result<Author, String> {
    KeyName::parse(name).map(Author::from)
}
