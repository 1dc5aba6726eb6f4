//! What is written is what stands in the tree.

use crate::syntax::ast::{Argument, Expr, ExprKind};
use crate::syntax::parse;

/// The tree of a value in a notation of its own: `f(a=1)`, `(0 -> 1)`, `3 epochs`.
fn value(written: &str) -> String {
    let source = format!("let x = {written}");
    let (file, findings) = parse(&source);
    assert_eq!(findings, [], "{written}");
    let expression = &file.statements[0].clauses[0].values[0];
    assert_eq!(&source[expression.span.start..expression.span.end], written);
    show(expression)
}

fn show(expression: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(", ");
    let unit = |unit: &Option<crate::syntax::ast::Name>| {
        unit.as_ref().map_or(String::new(), |unit| format!(" {}", unit.text))
    };
    match &expression.kind {
        ExprKind::Number(value) => format!("{value:?}"),
        ExprKind::Ratio(over, under) => format!("ratio({over}, {under})"),
        ExprKind::Percent(share) => format!("percent({share})"),
        ExprKind::Text(text) => format!("text({text})"),
        ExprKind::Bool(truth) => format!("bool({truth})"),
        ExprKind::Quantity(count, unit) => format!("{count} {}", unit.text),
        ExprKind::Moment(count, unit) => format!("{} {count}", unit.text),
        ExprKind::Range(start, end, of) => format!("({} .. {}){}", show(start), show(end), unit(of)),
        ExprKind::Last(inner) => format!("last({})", show(inner)),
        ExprKind::Arrow(first, second) => format!("({} -> {})", show(first), show(second)),
        ExprKind::List(items, of) => format!("[{}]{}", list(items), unit(of)),
        ExprKind::Each(items) => format!("each[{}]", list(items)),
        ExprKind::Call(call) => match &call.arguments {
            None => call.name.text.clone(),
            Some(arguments) => {
                let arguments: Vec<String> = arguments.iter().map(show_argument).collect();
                format!("{}({})", call.name.text, arguments.join(", "))
            }
        },
        ExprKind::Then(first, second) => format!("<{} then {}>", show(first), show(second)),
        ExprKind::Missing => "missing".to_owned(),
    }
}

fn show_argument(argument: &Argument) -> String {
    let name = argument.name.as_ref().map_or(String::new(), |name| format!("{}=", name.text));
    format!("{name}{}", show(&argument.value))
}

/// The clauses of the one statement in `source`.
fn clauses(source: &str) -> Vec<String> {
    let (file, findings) = parse(source);
    assert_eq!(findings, [], "{source}");
    assert_eq!(file.statements.len(), 1, "{source}");
    let clause = |clause: &crate::syntax::ast::Clause| {
        assert_eq!(&source[clause.keyword.span.start..clause.keyword.span.end], clause.keyword.text);
        let values: Vec<String> = clause.values.iter().map(show).collect();
        format!("{}: {}", clause.keyword.text, values.join("; "))
    };
    file.statements[0].clauses.iter().map(clause).collect()
}

#[test]
fn numbers_ratios_percentages() {
    assert_eq!(value("5e-4"), "0.0005");
    assert_eq!(value("-1"), "-1.0");
    assert_eq!(value("128"), "128.0");
    assert_eq!(value("8/255"), "ratio(8, 255)");
    assert_eq!(value("8 / 255"), "ratio(8, 255)");
    assert_eq!(value("-8/255"), "ratio(-8, 255)");
    assert_eq!(value("10%"), "percent(10)");
    assert_eq!(value("2.5%"), "percent(2.5)");
}

#[test]
fn quantities_and_ranges() {
    assert_eq!(value("200 epochs"), "200 epochs");
    assert_eq!(value("5 parsecs"), "5 parsecs");
    assert_eq!(value("0..3"), "(0.0 .. 3.0)");
    assert_eq!(value("30..70 epochs"), "(30.0 .. 70.0) epochs");
    assert_eq!(value("10%..20%"), "(percent(10) .. percent(20))");
    assert_eq!(value("n..m"), "(n .. m)");
    assert_eq!(value("0..each [1, 2]"), "(0.0 .. each[1.0, 2.0])");
    assert_eq!(value("last 40 epochs"), "last(40 epochs)");
    assert_eq!(value("last each [10 epochs, 20 epochs]"), "last(each[10 epochs, 20 epochs])");
    assert_eq!(value("last n"), "last(n)");
    assert_eq!(value("last"), "last");
}

#[test]
fn texts_and_truths() {
    assert_eq!(value(r#""a \"b\" \\ # ( \n\té""#), "text(a \"b\" \\ # ( \n\té)");
    assert_eq!(value("true"), "bool(true)");
    assert_eq!(value("false"), "bool(false)");
    assert_eq!(value("truest"), "truest");
}

#[test]
fn lists_and_choices() {
    assert_eq!(value("[40, 60, 80]"), "[40.0, 60.0, 80.0]");
    assert_eq!(value("[40, 60, 80] epochs"), "[40.0, 60.0, 80.0] epochs");
    assert_eq!(value("[]"), "[]");
    assert_eq!(value("each []"), "each[]");
    assert_eq!(value("each [erm, spl(loss)]"), "each[erm, spl(loss)]");
    assert_eq!(value("each [10, 20] epochs"), "each[10 epochs, 20 epochs]");
    assert_eq!(value("each [0.05, 0.1] -> 0"), "(each[0.05, 0.1] -> 0.0)");
}

#[test]
fn schedules() {
    assert_eq!(value("cosine(0.05 -> 0)"), "cosine((0.05 -> 0.0))");
    assert_eq!(value("linear(0 -> 1, 30..70 epochs)"), "linear((0.0 -> 1.0), (30.0 .. 70.0) epochs)");
    assert_eq!(value("cosine(0.1, 0)"), "cosine(0.1, 0.0)");
    assert_eq!(value("steps(0.1, at = [40, 60] epochs)"), "steps(0.1, at=[40.0, 60.0] epochs)");
    assert_eq!(value("a then b then c"), "<<a then b> then c>");
    assert_eq!(value("f(a then b, c)"), "f(<a then b>, c)");
    assert_eq!(value("0.05->0"), "(0.05 -> 0.0)");
}

#[test]
fn words_of_the_language_are_names_inside_brackets() {
    assert_eq!(value("spl(adm, scope = batch, data = 1)"), "spl(adm, scope=batch, data=1.0)");
    assert_eq!(value("_a1(B)"), "_a1(B)");
}

#[test]
fn statements_and_their_clauses() {
    assert_eq!(
        clauses("data digits augment [flip] batch 128 validation 10% shuffle false"),
        [
            "data: digits",
            "augment: [flip]",
            "batch: 128.0",
            "validation: percent(10)",
            "shuffle: bool(false)"
        ]
    );
    assert_eq!(
        clauses("train 160 epochs under sgd\n then 40 epochs curriculum a against b under c over d"),
        [
            "train: 160 epochs",
            "under: sgd",
            "then: 40 epochs",
            "curriculum: a",
            "against: b",
            "under: c",
            "over: d"
        ]
    );
    assert_eq!(clauses("train each [10 epochs, 20 epochs]"), ["train: each[10 epochs, 20 epochs]"]);
    assert_eq!(clauses("data digits batch each [64, 128]"), ["data: digits", "batch: each[64.0, 128.0]"]);
    assert_eq!(
        clauses("evaluate accuracy, loss every 10 epochs"),
        ["evaluate: accuracy; loss", "every: 10 epochs"]
    );
    assert_eq!(clauses("model a from \"w\""), ["model: a", "from: text(w)"]);
    assert_eq!(clauses("select best(accuracy)"), ["select: best(accuracy)"]);
    assert_eq!(clauses("select last"), ["select: last"]);
    assert_eq!(clauses("seeds 0..3"), ["seeds: (0.0 .. 3.0)"]);
    assert_eq!(clauses("device cuda(0)"), ["device: cuda(0.0)"]);
    assert_eq!(
        clauses("curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)"),
        ["curriculum: ssp(adm)", "under: lesam(budget=0.4, clip=0.35)"]
    );
}

#[test]
fn a_binding_has_a_name() {
    let (file, _) = parse("let lr = warmup(5 epochs) then cosine(0.05 -> 0)");
    let clause = &file.statements[0].clauses[0];
    assert_eq!(clause.name.as_ref().map(|name| name.text.as_str()), Some("lr"));
    assert_eq!(show(&clause.values[0]), "<warmup(5 epochs) then cosine((0.05 -> 0.0))>");
}
