//! Mutated inputs against everything that reads what others wrote: texts, data, weights, records, messages of editors.
//!
//! Held: nothing panics, nothing takes memory that the input does not need, and what is formatted or checked keeps its rules.
//! Each target takes a fixed number of inputs. `FLAT_FUZZ=1000000 cargo test --release --test fuzz` takes that many of
//! each; `FLAT_FUZZ_FIRST=N FLAT_FUZZ=1` takes the one that failed again, which also lies in the folder that is named.

mod data;
mod memory;
mod messages;
mod mutation;
mod records;
mod target;
mod text;
mod weights;
#[path = "../world/mod.rs"]
mod world;
