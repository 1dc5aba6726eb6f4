use proptest::prelude::*;

use super::*;

const EPOCH: u64 = 10;

fn clock(step: u64) -> Clock {
    Clock { step, steps: 100, steps_per_epoch: EPOCH, lr: None }
}

fn values(schedule: &Schedule) -> Vec<f64> {
    (0..100).map(|step| schedule.at(&clock(step))).collect()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-12
}

#[test]
fn cosine_is_half_a_wave_over_the_phase() {
    let cosine = Schedule::Cosine { from: 0.05, to: 0.0, window: None };
    for step in 0..100 {
        let expected = 0.05 * 0.5 * (1.0 + (PI * step as f64 / 100.0).cos());
        assert!(close(cosine.at(&clock(step)), expected));
    }
    assert!(close(cosine.at(&clock(50)), 0.025));
}

#[test]
fn a_window_holds_the_ends_outside() {
    let window = Some(Window::Span { start: 3.0, end: 7.0, unit: Unit::Epochs });
    let linear = Schedule::Linear { from: 0.0, to: 1.0, window };
    assert_eq!(linear.at(&clock(0)), 0.0);
    assert_eq!(linear.at(&clock(30)), 0.0);
    assert!(close(linear.at(&clock(31)), 1.0 / 40.0));
    assert!(close(linear.at(&clock(50)), 0.5));
    assert_eq!(linear.at(&clock(70)), 1.0);
    assert_eq!(linear.at(&clock(99)), 1.0);
}

#[test]
fn a_window_may_end_between_two_steps() {
    let window = Some(Window::Span { start: 0.25, end: 0.75, unit: Unit::Epochs });
    let linear = Schedule::Linear { from: 0.0, to: 1.0, window };
    assert!(close(linear.at(&clock(5)), 0.5));
    assert!(close(linear.at(&clock(3)), 0.1));
}

#[test]
fn the_last_epochs_count_from_the_end() {
    let window = Some(Window::Last { count: 4.0, unit: Unit::Epochs });
    let cosine = Schedule::Cosine { from: 1.0, to: 0.0, window };
    assert_eq!(cosine.at(&clock(60)), 1.0);
    assert!(close(cosine.at(&clock(80)), 0.5));
    assert!(close(cosine.at(&clock(99)), 0.5 * (1.0 + (PI * 39.0 / 40.0).cos())));
}

#[test]
fn exp_multiplies_evenly() {
    let exp = Schedule::Exp { from: 0.1, to: 0.001, window: None };
    assert!(close(exp.at(&clock(50)), 0.01));
    assert!(close(exp.at(&clock(25)), 0.1 * 0.01_f64.powf(0.25)));
}

#[test]
fn steps_jump_at_their_times() {
    let falls = Schedule::Steps {
        from: 0.1,
        change: Change::Factor(0.1),
        at: vec![4.0, 6.0, 8.0],
        unit: Unit::Epochs,
    };
    for (step, expected) in [(39, 0.1), (40, 0.01), (60, 0.001), (80, 0.0001), (99, 0.0001)] {
        assert!(close(falls.at(&clock(step)), expected), "{step}");
    }
    let rises =
        Schedule::Steps { from: 0.0, change: Change::To(1.0), at: vec![40.0, 60.0, 80.0], unit: Unit::Steps };
    for (step, expected) in [(39, 0.0), (40, 1.0 / 3.0), (60, 2.0 / 3.0), (80, 1.0)] {
        assert!(close(rises.at(&clock(step)), expected), "{step}");
    }
}

#[test]
fn a_warmup_rises_to_the_first_value() {
    let cosine = Schedule::Cosine { from: 0.05, to: 0.0, window: None };
    let over = Duration { count: 1.0, unit: Unit::Epochs };
    let warmed = Schedule::Warmup { over, then: Box::new(cosine) };
    assert!(close(warmed.at(&clock(0)), 0.005));
    assert!(close(warmed.at(&clock(9)), 0.05));
    assert!(close(warmed.at(&clock(10)), 0.05));
    assert!(close(warmed.at(&clock(55)), 0.025));
}

#[test]
fn follow_moves_with_the_rate() {
    let rate = Schedule::Linear { from: 0.2, to: 0.0, window: None };
    let follow = Schedule::Follow { low: 0.1, high: 0.6 };
    let at = |step| follow.at(&Clock { lr: Some(rate.progress(&clock(step))), ..clock(step) });
    assert!(close(at(0), 0.6));
    assert!(close(at(50), 0.35));
    assert_eq!(Schedule::Constant(0.1).progress(&clock(3)), Progress(1.0));
    assert!(close(follow.at(&clock(3)), 0.6));
}

#[test]
fn durations_are_whole_steps() {
    assert_eq!(Duration { count: 2.0, unit: Unit::Epochs }.steps(391), 782);
    assert_eq!(Duration { count: 0.5, unit: Unit::Epochs }.steps(5), 3);
    assert_eq!(Duration { count: 0.001, unit: Unit::Epochs }.steps(5), 1);
    assert_eq!(Duration { count: 5000.0, unit: Unit::Steps }.steps(391), 5000);
}

fn window() -> impl Strategy<Value = Option<Window>> {
    prop_oneof![
        Just(None),
        (0.0..5.0, 0.1..5.0).prop_map(|(start, length)| {
            Some(Window::Span { start, end: start + length, unit: Unit::Epochs })
        }),
        (0.1..10.0).prop_map(|count| Some(Window::Last { count, unit: Unit::Epochs })),
    ]
}

fn smooth() -> impl Strategy<Value = Schedule> {
    (0.01..2.0, 0.01..2.0, window(), 0..3).prop_map(|(from, to, window, shape)| match shape {
        0 => Schedule::Cosine { from, to, window },
        1 => Schedule::Linear { from, to, window },
        _ => Schedule::Exp { from, to, window },
    })
}

fn stepped() -> impl Strategy<Value = Schedule> {
    let times = prop::collection::btree_set(1_u32..100, 1..5);
    (0.01..2.0, 0.1..3.0, any::<bool>(), times).prop_map(|(from, amount, factor, times)| {
        let change = if factor { Change::Factor(amount) } else { Change::To(amount) };
        Schedule::Steps { from, change, at: times.into_iter().map(f64::from).collect(), unit: Unit::Steps }
    })
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let plain = prop_oneof![smooth(), stepped(), (0.01..2.0).prop_map(Schedule::Constant)];
    (plain, prop::option::of(0.1..3.0)).prop_map(|(plain, warmup)| match warmup {
        None => plain,
        Some(count) => {
            Schedule::Warmup { over: Duration { count, unit: Unit::Epochs }, then: Box::new(plain) }
        }
    })
}

proptest! {
    #[test]
    fn every_value_lies_between_the_extremes(schedule in any_schedule()) {
        let (low, high) = schedule.extremes(&clock(0));
        for value in values(&schedule) {
            prop_assert!(value >= low - 1e-9 && value <= high + 1e-9, "{value} outside {low}..{high}");
        }
    }

    #[test]
    fn smooth_schedules_have_no_jumps(schedule in smooth()) {
        let fine = |step| schedule.at(&Clock { step, steps: 100_000, steps_per_epoch: 10_000, lr: None });
        for step in (0..99_000).step_by(97) {
            prop_assert!((fine(step + 1) - fine(step)).abs() < 0.02);
        }
    }

    #[test]
    fn the_last_knot_is_the_final_value(schedule in any_schedule()) {
        let end = schedule.at(&clock(100));
        let last = schedule.knots(&clock(0)).last().map_or(f64::NAN, |knot| knot.value);
        prop_assert!(close(end, last), "{end} is not {last}");
    }
}

#[test]
fn beats_are_counted_as_they_fall() {
    for (first, every, rhythm, steps) in [
        (0, 1, 2, 8),
        (0, 3, 2, 20),
        (1, 2, 3, 9),
        (5, 1, 2, 8),
        (0, 4, 10, 100),
        (7, 1, 1, 5),
        (2, 5, 5, 31),
    ] {
        let beat = Beat { first, every };
        let held = (0..steps).filter(|&step| beat.holds(step)).count() as u64;
        assert_eq!(beat.count(steps), held, "{beat:?}");
        let passed = (0..steps).filter(|&step| beat.passes(rhythm, step)).count() as u64;
        assert_eq!(beat.passed(rhythm, steps), passed, "{beat:?} over {rhythm}");
    }
}
