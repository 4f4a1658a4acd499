//! What holds across routes: who may call, what is refused, what survives concurrency and failure, what
//! it costs.

mod auth;
mod batch;
mod bounded_work;
mod capacity;
mod carriers;
mod catalogue;
mod concurrency;
mod erasure;
mod errors;
mod faults;
mod fuzz_seeds;
mod linearizability;
mod logs;
mod lost_answers;
mod malformed;
mod model;
mod operator;
mod polling;
mod repetitions;
mod understood;
