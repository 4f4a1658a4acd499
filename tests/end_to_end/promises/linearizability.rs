//! A category's changes and reads under random faults, as a known checker sees them: each must
//! look as if it had happened at one moment between request and answer.

use std::{cell::Cell, sync::Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::support::{
    api::{Answer, Api, category},
    proxy::{Fault, Proxy},
};

const ID: &str = "123e4567-e89b-12d3-a456-556642440000";

const ROUNDS: i32 = 12;
const CLIENTS: usize = 4;
const STEPS: usize = 5;

const FAULTS: [Fault; 6] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::CutAmid,
    Fault::Garbage,
    Fault::Error("TransactionInProgressException"),
    Fault::Error("InternalServerError"),
];

/// Two fields, each of which a change sets and leaves the other as it is: a lost update shows.
#[derive(Clone, Debug, Default)]
struct Fields {
    value: u64,
    reason: u64,
}

#[derive(Clone, Debug)]
enum Op {
    SetValue(u64),
    SetReason(u64),
    /// By a PUT of both, or a batch.
    Put(u64),
    Batch(u64),
    Read,
}

#[derive(Clone, Debug, PartialEq)]
enum Ret {
    Done,
    Fields(u64, u64),
}

impl SequentialSpec for Fields {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::SetValue(value) => self.value = *value,
            Op::SetReason(reason) => self.reason = *reason,
            Op::Put(both) | Op::Batch(both) => *self = Self { value: *both, reason: *both },
            Op::Read => return Ret::Fields(self.value, self.reason),
        }
        Ret::Done
    }
}

/// What a batch of one change says of it, as if it had been answered alone.
fn told_alone(answer: Answer) -> Answer {
    if answer.status != 200 {
        return answer;
    }
    let result = answer.json()["results"][0].clone();
    let status = match result["error"]["code"].as_str() {
        None => 204,
        Some("MCUS.001.005" | "MCUS.001.009") => 503,
        Some(other) => panic!("{other}: {}", answer.body),
    };
    Answer { status, ..answer }
}

type Tester = Mutex<LinearizabilityTester<usize, Fields>>;

/// Steps of a round that may stay unknown before no more faults are planted in it. The checker's work grows
/// exponentially with them.
const MAX_UNKNOWN: usize = 3;

async fn client(api: &Api, proxy: &Proxy, id: i32, client: usize, tester: &Tester, unknown: &Cell<usize>) {
    // Seeded, so that every run tries the same mixture.
    let mut random = fastrand::Rng::with_seed(u64::try_from(id).unwrap() * 1000 + client as u64);
    let mut draw = |below: usize| random.usize(..below);
    let mut thread = client;
    for step in 0..STEPS {
        let unique = (client * STEPS + step + 1) as u64;
        let ops = [Op::SetValue(unique), Op::SetReason(unique), Op::Put(unique), Op::Batch(unique), Op::Read];
        let op = ops[draw(ops.len())].clone();
        let plants = draw(2) == 0;
        if unknown.get() >= MAX_UNKNOWN {
            proxy.mend();
        } else if plants {
            proxy.break_next(
                1 + draw(7),
                ["TransactWriteItems", "GetItem", "BatchGetItem"][draw(3)],
                FAULTS[draw(FAULTS.len())],
            );
        }
        tester.lock().unwrap().on_invoke(thread, op.clone()).unwrap();
        let answer = match op {
            Op::SetValue(value) => api.patch(&category(id), json!({ "value": value.to_string() })).await,
            Op::SetReason(reason) => api.patch(&category(id), json!({ "reason": reason.to_string() })).await,
            Op::Put(both) => {
                let body = json!({ "value": both.to_string(), "reason": both.to_string() });
                api.put(&category(id), body).await
            }
            Op::Batch(both) => {
                let change = json!({
                    "op": "set", "customer_id": ID, "id": id, "value": both.to_string(), "reason": both.to_string(),
                });
                let answer = api.batch(json!([change])).await;
                told_alone(answer)
            }
            Op::Read => api.get(&category(id)).await,
        };
        let number = |value: &Value| value.as_str().unwrap().parse().unwrap();
        let returned = match answer.status {
            204 => Ret::Done,
            200 => Ret::Fields(number(&answer.json()["value"]), number(&answer.json()["reason"])),
            500..=599 => {
                // It may have happened, or may happen later. So it stays under way, and the client goes on under
                // another number, because a client has one change under way at a time.
                thread += CLIENTS;
                unknown.set(unknown.get() + 1);
                continue;
            }
            other => panic!("{other}: {}", answer.body),
        };
        tester.lock().unwrap().on_return(thread, returned).unwrap();
    }
}

#[tokio::test]
async fn changes_and_reads_of_a_category_are_linearizable_under_faults() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    for id in 0..ROUNDS {
        proxy.mend();
        assert_eq!(api.post(json!({ "id": id, "value": "0", "reason": "0" })).await.status, 201);
        let unknown = Cell::new(0);
        let tester = Tester::new(LinearizabilityTester::new(Fields::default()));
        join_all((0..CLIENTS).map(|n| client(&api, &proxy, id, n, &tester, &unknown))).await;
        let tester = tester.into_inner().unwrap();
        assert!(tester.is_consistent(), "{tester:#?}");
    }
}
