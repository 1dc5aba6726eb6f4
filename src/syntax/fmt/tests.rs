use super::format;

#[track_caller]
fn formats(source: &str, expected: &str) {
    let formatted = format(source).unwrap();
    assert_eq!(formatted, expected);
    assert_eq!(format(&formatted).unwrap(), expected, "a second time");
}

#[track_caller]
fn stays(source: &str) {
    formats(source, source);
}

#[test]
fn one_line_is_a_whole_file() {
    formats(
        "curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)",
        "curriculum ssp(adm) under lesam(budget = 0.4, clip = 0.35)\n",
    );
}

#[test]
fn a_tidy_file_stays() {
    stays(
        r#"edition 2026
title "LE-SAM paper, Table 1: ResNet-18 on CIFAR-10"

data     cifar10(root = "data/cifar10") augment [crop(pad = 4), flip] batch 128 validation 10%
model    resnet18
optimize sgd(lr = cosine(0.05 -> 0), momentum = 0.9, weight_decay = 5e-4)

train 200 epochs
  curriculum ssp(adm(alpha = 8/255))
  under lesam(budget = 0.4, clip = 0.35, anneal = last 40 epochs)

evaluate accuracy, pgd(eps = 8/255, steps = 20), hessian(top = 5)
seeds    0..3
"#,
    );
    stays(
        "# Phases.
train 160 epochs under sgd
 then  40 epochs under each [sgd, sam(rho = 0.1), lesam(budget = 0.4)]

let flat  = lesam(budget = 0.4, clip = 0.35)
let order = each [erm, spl(loss), spl(adm), ssp(loss), ssp(gdm), ssp(adm)]
",
    );
}

#[test]
fn every_kind_of_value_has_one_form() {
    formats(
        "let a=cosine( 0.05->0 ,30 .. 70   epochs)\nlet b = each[1,2]epochs\nlet c = [ 40,60 ]  epochs\nlet d = 8 / 255\nlet e = last   40 epochs\nlet f = warmup( 5 epochs )  then  x",
        "let a = cosine(0.05 -> 0, 30..70 epochs)
let b = each [1, 2] epochs
let c = [40, 60] epochs
let d = 8/255
let e = last 40 epochs
let f = warmup(5 epochs) then x
",
    );
}

#[test]
fn numbers_and_texts_stay_as_written() {
    stays("optimize sgd(a = 5e-4, b = 0.40, c = 1E3, d = -0, e = 10%, f = \"\\\"  # \\t\")\n");
}

#[test]
fn neighbours_share_a_column_up_to_a_blank_line() {
    formats(
        "data digits\n# why\nmodel mlp\n\nseeds 0..3\nprecision bf16\ntrain 5 epochs under sam\ndevice cpu\nlet a = 1\nlet long = 2\n",
        "data  digits
# why
model mlp

seeds     0..3
precision bf16
train 5 epochs under sam
device cpu
let a    = 1
let long = 2
",
    );
}

#[test]
fn clauses_written_on_lines_stay_on_lines() {
    formats(
        "train 160 epochs\nunder sgd\nthen 40 epochs curriculum ssp under sam\nthen 5 epochs\n\n\n   curriculum ssp\n   # why\n\n   under sam # note\ndata digits augment [flip]\n batch 128",
        "train 160 epochs
  under sgd
 then 40 epochs curriculum ssp under sam
 then 5 epochs

  curriculum ssp
  # why

  under sam  # note
data digits
  augment [flip]
  batch 128
",
    );
}

#[test]
fn a_statement_that_is_too_long_is_broken() {
    formats(
        "curriculum ssp(adm(alpha = 8/255)) against pgd(eps = 8/255, steps = 20) under lesam(budget = 0.4, anneal = last 40 epochs)",
        "curriculum ssp(adm(alpha = 8/255))
  against pgd(eps = 8/255, steps = 20)
  under lesam(budget = 0.4, anneal = last 40 epochs)
",
    );
    formats(
        "optimize sgd(lr = warmup(5 epochs) then cosine(0.05 -> 0), momentum = 0.9, nesterov = true, weight_decay = 5e-4)",
        "optimize sgd(
  lr = warmup(5 epochs) then cosine(0.05 -> 0),
  momentum = 0.9,
  nesterov = true,
  weight_decay = 5e-4
)
",
    );
}

#[test]
fn a_long_list_of_words_is_filled() {
    let numbers: Vec<String> = (100..140).map(|number| number.to_string()).collect();
    let formatted = format(&format!("seeds [{}]", numbers.join(","))).unwrap();
    let lines: Vec<&str> = formatted.lines().collect();
    assert_eq!(lines[0], "seeds [");
    assert!(lines[1].starts_with("  100, 101, ") && lines[1].ends_with(','), "{formatted}");
    assert_eq!((lines.len(), lines[3]), (4, "]"));
    assert_eq!(format(&formatted).unwrap(), formatted);
}

#[test]
fn comments_inside_brackets_keep_their_place() {
    formats(
        "optimize sgd( # the base\nlr = 0.1, # first\n\n   # before\n momentum = # inside\n 0.9 # last\n  , weight_decay = 0\n # tail\n)",
        "optimize sgd(
  # the base
  lr = 0.1,  # first

  # before
  # inside
  momentum = 0.9,  # last
  weight_decay = 0
  # tail
)
",
    );
}

#[test]
fn blank_lines_are_kept_one_at_a_time() {
    formats("\n\n# a\n\n\n\nmodel mlp   \n\n# b   \n\n\n", "# a\n\nmodel mlp\n\n# b\n");
}

#[test]
fn line_ends_are_those_of_the_file() {
    formats("model mlp\r\n\r\n\r\n# é\r\nseeds 0..3", "model mlp\r\n\r\n# é\r\nseeds 0..3\r\n");
    formats("\u{feff}model mlp\n", "model mlp\n");
}

#[test]
fn a_file_without_a_statement_may_hold_comments() {
    formats("\n# later  \n", "# later\n");
    formats("", "");
    formats("\n \n", "");
}

#[test]
fn a_file_with_a_syntax_error_is_refused() {
    let findings = format("model mlp\noptimize sgd(lr: 0.1)\n").unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message, "expected `=` between `lr` and its value, found `:`");
}
