//! Entries of the schedules. They are read by hand: their arguments are arrows and windows.

use super::{Entry, Facts, Form, Kind, Parameter, Range};

const ARROW: Form = Form::of("two numbers, `a -> b`");
const WINDOW: Form = Form::of("a window, `30..70 epochs` or `last 40 epochs`");
const WINDOW_TEXT: &str = "part of the phase, from its start; the end values hold outside";
const WHOLE_PHASE: &str = "without a window the schedule spans its phase";

fn schedule(name: &'static str, facts: Facts, parameters: Vec<Parameter>) -> Entry {
    Entry { name, kind: Kind::Schedule, facts, parameters }
}

fn curve(
    name: &'static str,
    usage: &'static str,
    summary: &'static str,
    rule: &'static str,
    example: &'static str,
) -> Entry {
    let facts = Facts { usage, summary, rule, example, notes: WHOLE_PHASE, ..Facts::NONE };
    let ends = Parameter::new("a -> b", ARROW, "first and last value").first();
    let window = Parameter::new("window", WINDOW, WINDOW_TEXT).default("the phase", "");
    schedule(name, facts, vec![ends, window])
}

fn steps() -> Entry {
    let facts = Facts {
        usage: "steps(a, factor = f, at = [..] epochs) or steps(a -> b, at = [..] epochs)",
        summary: "Jumps at given times: by a factor, or in equal rises to a last value.",
        rule: "steps(a, factor = f, at = [t1, t2]): a, then a f from t1, then a f^2 from t2\n\
               steps(a -> b, at = [t1, .., tn]): rises by (b - a) / n at each time",
        example: "lr = steps(0.1, factor = 0.1, at = [40, 60, 80] epochs)",
        ..Facts::NONE
    };
    let number = Form::of("a number, or two as `a -> b`");
    let parameters = vec![
        Parameter::new("a", number, "first value, or first and last").first(),
        Parameter::new(
            "factor",
            Form::of("a number"),
            "what every jump multiplies the value by; not with `a -> b`",
        )
        .range(Range::POSITIVE),
        Parameter::new(
            "at",
            Form::of("a list of times, `[40, 60, 80] epochs`"),
            "times of the jumps, rising",
        ),
    ];
    schedule("steps", facts, parameters)
}

fn warmup() -> Entry {
    let facts = Facts {
        usage: "warmup(duration) then SCHEDULE",
        summary: "A linear rise before another schedule.",
        rule: "warmup(w) then S: S's first value times (step + 1) / w for the first w steps; then S, over the rest of the phase",
        example: "lr = warmup(5 epochs) then cosine(0.05 -> 0)",
        ..Facts::NONE
    };
    let over = Parameter::new("duration", Form::of("a duration"), "length of the rise").first();
    schedule("warmup", facts, vec![over])
}

fn follow() -> Entry {
    let facts = Facts {
        usage: "follow(lr, low = .., high = ..)",
        summary: "Follows the learning rate, from `low` at its lowest to `high` at its highest value in the phase.",
        rule: "low + (high - low) (lr - lr_min) / (lr_max - lr_min); high where the rate is constant",
        source: "Zhuang et al., ICLR 2022 (GSAM), the radius tied to the learning rate",
        example: "rho = follow(lr, low = 0.1, high = 0.6)",
        ..Facts::NONE
    };
    let parameters = vec![
        Parameter::new("lr", Form::of("the word `lr`"), "what is followed").first(),
        Parameter::new("low", Form::of("a number"), "value at the lowest rate"),
        Parameter::new("high", Form::of("a number"), "value at the highest rate"),
    ];
    schedule("follow", facts, parameters)
}

/// The entries of the kind `schedule`.
pub(super) fn entries() -> Vec<&'static Entry> {
    static ENTRIES: std::sync::LazyLock<Vec<Entry>> = std::sync::LazyLock::new(|| {
        vec![
            curve(
                "cosine",
                "cosine(a -> b [, window])",
                "Half a cosine from one value to another.",
                "b + (a - b) (1 + cos(pi t)) / 2",
                "lr = cosine(0.05 -> 0)",
            ),
            curve(
                "linear",
                "linear(a -> b [, window])",
                "A straight line from one value to another.",
                "a + (b - a) t",
                "fraction = linear(0.1 -> 1)",
            ),
            curve(
                "exp",
                "exp(a -> b [, window])",
                "A geometric change from one value to another; both of one sign, neither zero.",
                "a (b / a)^t",
                "lr = exp(0.1 -> 0.001)",
            ),
            steps(),
            warmup(),
            follow(),
        ]
    });
    ENTRIES.iter().collect()
}
