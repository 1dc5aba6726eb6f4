//! The findings of values that do not fit, in the words a reader of the file knows.
//!
//! Each function reports one finding; those that stand where a value is read return no value.

mod arguments;
mod names;
mod schedules;
mod types;
mod units;

pub(crate) use arguments::{duplicate_parameter, first_index, missing, named_arguments, parameter_index};
pub(crate) use names::{unknown_component, unknown_value, word_with_arguments};
pub(crate) use schedules::{
    bare_arrow, bare_schedule, factor_with_ends, geometric_zero, lone_warmup, not_a_warmup,
    rate_follows_itself, schedule_arguments, second_warmup, steps_without_factor, times_out_of_order,
    unknown_schedule,
};
pub(crate) use types::{
    distance, empty_path, list_of_one, negative_count, no_interval, not_finite, out_of_range, repeated_name,
    shown, unequal_lengths, wrong_type,
};
pub(crate) use units::{
    empty_duration, list_without_unit, missing_point, missing_unit, split_step, unfitting_list_unit,
    unfitting_percent, unfitting_unit, unknown_unit, window_without_unit,
};

/// ``"`a`, `b` and `c`"``
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>, last: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}
