use snapbox::str;

use crate::desk::Desk;

const UGLY: &str =
    "edition   2026\nmodel mlp( hidden=[64 ,32] )   # small\n\n\ntrain 3 epochs under  sam(rho=0.1)\n";
const CANONICAL: &str =
    "edition 2026\nmodel mlp(hidden = [64, 32])  # small\n\ntrain 3 epochs under sam(rho = 0.1)\n";

#[test]
fn a_file_is_written_in_canonical_form() {
    let desk = Desk::new(&[("a.flat", UGLY), ("b.flat", CANONICAL)]);
    desk.flatrun(&["fmt", "a.flat", "b.flat"]).code(0).stdout_eq("").stderr_eq("formatted 1 file\n");
    assert_eq!(desk.read("a.flat"), CANONICAL);
    desk.flatrun(&["fmt", "a.flat"]).code(0).stdout_eq("").stderr_eq("");
}

#[test]
fn check_lists_and_writes_nothing() {
    let desk = Desk::new(&[("a.flat", UGLY), ("b.flat", CANONICAL)]);
    desk.flatrun(&["fmt", "--check", "a.flat", "b.flat"]).code(1).stdout_eq("a.flat\n").stderr_eq("");
    assert_eq!(desk.read("a.flat"), UGLY);
    desk.flatrun(&["fmt", "--check", "b.flat"]).code(0).stdout_eq("");
}

#[test]
fn diff_shows_and_writes_nothing() {
    let desk = Desk::new(&[("a.flat", UGLY)]);
    desk.flatrun(&["fmt", "--diff", "a.flat"]).code(1).stdout_eq(str![[r#"
--- a.flat
+++ a.flat
@@ -1,5 +1,4 @@
-edition   2026
-model mlp( hidden=[64 ,32] )   # small
-
+edition 2026
+model mlp(hidden = [64, 32])  # small
 
-train 3 epochs under  sam(rho=0.1)
+train 3 epochs under sam(rho = 0.1)

"#]]);
    assert_eq!(desk.read("a.flat"), UGLY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let desk = Desk::new(&[]);
    desk.with_input(&["fmt", "-"], UGLY).code(0).stdout_eq(CANONICAL).stderr_eq("");
    desk.with_input(&["fmt", "-"], CANONICAL).code(0).stdout_eq(CANONICAL);
}

#[test]
fn a_file_with_a_syntax_error_is_left_alone() {
    let broken = "edition   2026\nunder sam(rho = \n";
    let desk = Desk::new(&[("a.flat", broken)]);
    desk.flatrun(&["fmt", "a.flat"]).code(1).stdout_eq("").stderr_eq(str![[r#"
F0108 unbalanced-bracket

  × `(` is never closed
   ╭─[a.flat:2:10]
 2 │ under sam(rho = 
   ·          ┬     ▲
   ·          │     ╰── the statement ends here
   ·          ╰── opened here
   ╰────
  help: write `)` where it ends

found 1 error

"#]]);
    assert_eq!(desk.read("a.flat"), broken);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let desk = Desk::new(&[("a.flat", UGLY)]);
    std::os::unix::fs::symlink("a.flat", desk.path("link.flat")).unwrap();
    desk.flatrun(&["fmt", "link.flat"]).code(0);
    assert!(desk.path("link.flat").is_symlink());
    assert_eq!(desk.read("a.flat"), CANONICAL);
}
