//! Folders of images with a fault: each is named, with its place and what to do, and nothing is trained.

use std::fs;
use std::io::Write;
use std::path::Path;

use snapbox::cmd::OutputAssert;

use crate::desk::{Desk, output};
use crate::huge_png;
use crate::pictures::{classes, mixed, picture, save};

const PROGRAM: &str = "edition 2026\ndata folder(\"birds\") augment [random_resized_crop(16)] batch 8\nmodel mlp(hidden = [8])\n\
    train 1 epochs under sgd\n";

fn birds(program: &str) -> Desk {
    let desk = Desk::new(&[("a.flat", program)]);
    for part in ["train", "val"] {
        classes(&desk.path("birds").join(part), &["crow", "finch"], 6, mixed);
    }
    desk
}

/// What a command wrote, with `DIR` for the desk.
fn told(desk: &Desk, assert: &OutputAssert) -> String {
    let output = assert.get_output();
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    let root = desk.path("").canonicalize().unwrap();
    String::from_utf8(text).unwrap().replace(root.to_str().unwrap(), "DIR")
}

/// The findings of `check` after something was done to a sound folder.
fn found(spoil: impl Fn(&Path)) -> String {
    let desk = birds(PROGRAM);
    spoil(&desk.path("birds"));
    told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1))
}

#[test]
fn a_sound_folder_has_no_finding() {
    birds(PROGRAM).flatrun(&["check", "a.flat"]).code(0).stdout_eq("no findings\n");
}

#[test]
fn faults_of_folders_have_their_own_findings() {
    type Damage = fn(&Path);
    let cases: [(&str, &str, Damage); 8] = [
        ("F0411", "DIR/birds/train/owl: a class folder without an image", |root| {
            fs::create_dir(root.join("train/owl")).unwrap();
            fs::create_dir(root.join("val/owl")).unwrap();
        }),
        ("F0412", "the classes `Crow` and `crow` differ only in case", |root| {
            classes(&root.join("train"), &["Crow"], 1, mixed);
        }),
        ("F0413", "`train` and `val` have different classes: `val` lacks `gull`", |root| {
            classes(&root.join("train"), &["gull"], 2, mixed);
        }),
        ("F0415", "DIR/birds/val/crow/notes.txt: no image: expected .jpg, .jpeg, .png or .webp", |root| {
            fs::write(root.join("val/crow/notes.txt"), "crows").unwrap();
        }),
        ("F0415", "owl.img: a WebP image under another name: rename it so that it ends in .webp", |root| {
            fs::rename(root.join("val/crow/002.webp"), root.join("val/crow/owl.img")).unwrap();
        }),
        ("F0415", "owl.gif: a GIF image: expected .jpg, .jpeg, .png or .webp", |root| {
            fs::write(root.join("val/crow/owl.gif"), b"GIF89a").unwrap();
        }),
        ("F0415", "an image outside of any class folder", |root| {
            save(&picture(0, 0, 20, 20), &root.join("train/lost.png"));
        }),
        ("F0402", "expected a folder with `train`, which holds one folder per class, found `val`", |root| {
            fs::remove_dir_all(root.join("train")).unwrap();
        }),
    ];
    for (code, message, spoil) in cases {
        let text = found(spoil);
        assert!(text.contains(code) && text.contains(message), "{code}, {message}:\n{text}");
    }
}

#[test]
fn jpegs_may_have_any_of_their_names() {
    let desk = birds(PROGRAM);
    for (number, ending) in ["jfif", "JPE", "jif", "JPG"].into_iter().enumerate() {
        let folder = desk.path("birds/train/crow");
        fs::copy(folder.join("000.jpg"), folder.join(format!("9{number}.{ending}"))).unwrap();
    }
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("16 training + 12 test images"), "{plan}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_root_alone() {
    let text = found(|root| {
        let outside = root.parent().unwrap().join("elsewhere.png");
        save(&picture(0, 0, 20, 20), &outside);
        std::os::unix::fs::symlink(outside, root.join("train/crow/link.png")).unwrap();
    });
    assert!(
        text.contains("F0414") && text.contains("train/crow/link.png") && text.contains("elsewhere.png"),
        "{text}"
    );
    let desk = birds(PROGRAM);
    let root = desk.path("birds");
    std::os::unix::fs::symlink(root.join("val/crow/000.jpg"), root.join("train/crow/900.jpg")).unwrap();
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("13 training + 12 test images"), "{plan}");
}

#[test]
fn no_such_root_names_the_nearest() {
    let desk = Desk::new(&[("a.flat", &PROGRAM.replace("\"birds\"", "\"data/brids\""))]);
    fs::create_dir_all(desk.path("data/birds")).unwrap();
    let text = told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1));
    assert!(text.contains("F0401") && text.contains("the nearest name there is `data/birds`"), "{text}");
}

#[test]
fn mixed_sizes_need_a_size() {
    let desk = birds(&PROGRAM.replace("random_resized_crop(16)", "flip"));
    let text = told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1));
    assert!(text.contains("F0407") && text.contains("`train/crow/000.jpg` is 18 wide and 16 high"), "{text}");
}

#[test]
fn an_unknown_domain_names_the_nearest() {
    let program = PROGRAM.replace("folder(\"birds\")", "domains(\"birds\", test = \"vall\")");
    let desk = birds(&program);
    let text = told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1));
    assert!(text.contains("F0417") && text.contains("there is no domain `vall`"), "{text}");
    assert!(text.contains("the nearest domain is `val`") && text.contains("\"fix\": null"), "{text}");
}

#[test]
fn a_factor_of_one_is_no_tail() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ndata longtail(digits, factor = 1)\n")]);
    let text = told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1));
    assert!(text.contains("F0302") && text.contains("`factor`"), "{text}");
}

/// Cuts a file in half.
fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_corrupt_image_ends_the_run_with_its_path() {
    let desk = birds(PROGRAM);
    for name in ["000.jpg", "001.png", "002.webp"] {
        let path = desk.path("birds/train/finch").join(name);
        let whole = fs::read(&path).unwrap();
        cut(&path);
        let text = told(&desk, &desk.flatrun(&["a.flat", "--quiet", "--restart"]).code(3));
        assert!(text.contains(&format!("`DIR/birds/train/finch/{name}`: no readable image")), "{text}");
        assert!(text.contains("`on_error = skip`") && text.contains("`flatrun explain F0402`"), "{text}");
        fs::write(&path, whole).unwrap();
    }
    desk.flatrun(&["a.flat", "--quiet", "--restart"]).code(0);
}

/// A PNG of 18x20 pixels whose data hold 8 MiB of zeros.
fn bomb() -> Vec<u8> {
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    data.write_all(&vec![0; 8 << 20]).unwrap();
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], name, data, &crc.sum().to_be_bytes()].concat()
    };
    let header = chunk(b"IHDR", &[0, 0, 0, 18, 0, 0, 0, 20, 8, 2, 0, 0, 0]);
    [&b"\x89PNG\r\n\x1a\n"[..], &header, &chunk(b"IDAT", &data.finish().unwrap()), &chunk(b"IEND", &[])]
        .concat()
}

#[test]
fn what_holds_more_than_its_pixels_is_refused_before_and_in_a_run() {
    let without_size = PROGRAM.replace("random_resized_crop(16)", "flip");
    let cases: [(&str, &[&str], i32); 2] =
        [(&without_size, &["check", "--format", "json", "a.flat"], 1), (PROGRAM, &["a.flat", "--quiet"], 3)];
    for (program, command, code) in cases {
        let desk = birds(program);
        fs::write(desk.path("birds/train/crow/001.png"), bomb()).unwrap();
        let text = told(&desk, &desk.flatrun(command).code(code));
        let message = "no readable image: the PNG data are longer than 20x18 pixels can need";
        assert!(text.contains(message) && text.contains("001.png"), "{text}");
    }
}

#[test]
fn headers_tell_check_what_is_cut_short() {
    let desk = birds(&PROGRAM.replace("random_resized_crop(16)", "flip"));
    for name in ["000.jpg", "001.png"] {
        let path = desk.path("birds/train/crow").join(name);
        let whole = fs::read(&path).unwrap();
        cut(&path);
        let text = told(&desk, &desk.flatrun(&["check", "--format", "json", "a.flat"]).code(1));
        assert!(text.contains("F0402") && text.contains(name), "{text}");
        assert!(text.contains("data are cut short"), "{text}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_huge_image_is_refused_unread() {
    let desk = birds(PROGRAM);
    let path = desk.path("birds/train/crow/001.png");
    huge_png::enlarge(&path);
    let text = told(&desk, &desk.flatrun(&["a.flat", "--quiet"]).code(3));
    assert!(text.contains("an image of 30000x30000 pixels: at most 67108864 are decoded"), "{text}");
    assert!(text.contains("`on_error = skip`") && text.contains("`flatrun explain F0416`"), "{text}");
}

#[test]
fn what_is_skipped_is_counted_and_listed() {
    let desk = birds(&PROGRAM.replace("\"birds\"", "\"birds\", on_error = skip"));
    cut(&desk.path("birds/train/finch/003.jpg"));
    fs::write(desk.path("birds/val/crow/notes.txt"), "crows").unwrap();
    let run = output(&desk.flatrun(&["a.flat", "--quiet"]).code(0));
    for line in [
        "on_error = skip: 1 file was left out\n",
        "left out: train/finch/003.jpg: no readable image: the JPEG data are cut short\n",
        "left out: val/crow/notes.txt: no image: expected .jpg, .jpeg, .png or .webp\n",
    ] {
        assert!(run.contains(line), "{line}{run}");
    }
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("folder: 11 training + 12 test images"), "{plan}");
}
