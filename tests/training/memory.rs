//! What members keep between steps: checkpointed, restored, refused by others.

use burn_flex::FlexDevice;
use flatrun::train::state::{Checkpoint, Progress, to_checkpoint};

use crate::{MEMBERS, clock, learner, model, samples, snapshot};

/// Every member, interrupted after three steps and continued from its checkpoint, ends with the same bits.
#[test]
fn a_continued_member_ends_with_the_same_bits() {
    let model = model();
    for member in MEMBERS {
        let recipe = format!("curriculum ssp(adm) under {member}");
        let mut whole = learner(&model, &recipe);
        (0..3).for_each(|step| drop(whole.step(&samples(step), &clock(step))));
        let progress = Progress::start("key", "member", 0, None);
        let bytes = to_checkpoint(&model.layout, &whole, None, &progress).unwrap();
        let mut continued = learner(&model, &recipe);
        Checkpoint::open(&bytes).unwrap().restore(&model.layout, &mut continued, &FlexDevice).unwrap();
        assert!(snapshot(&continued) == snapshot(&whole), "{member} as restored");
        for step in 3..6 {
            whole.step(&samples(step), &clock(step));
            continued.step(&samples(step), &clock(step));
        }
        assert!(snapshot(&continued) == snapshot(&whole), "{member} as continued");
    }
}

#[test]
fn members_keep_what_the_catalogue_says() {
    let model = model();
    let keeping: Vec<&str> = MEMBERS
        .into_iter()
        .filter(|member| learner(&model, &format!("under {member}")).memory.is_some())
        .collect();
    assert_eq!(keeping, ["fsam", "eigensam(refresh = 2 steps)", "s2sam", "looksam(k = 2)"]);
    for member in MEMBERS {
        let name = member.split('(').next().unwrap();
        let entry = flatrun::lang::catalog::find(name)[0];
        assert_eq!(entry.facts.state.starts_with("none"), !keeping.contains(&member), "{member}");
    }
}

#[test]
fn a_checkpoint_of_one_member_refuses_another_by_name() {
    let model = model();
    let fsam = learner(&model, "under fsam");
    let bytes = to_checkpoint(&model.layout, &fsam, None, &Progress::start("key", "fsam", 0, None)).unwrap();
    let checkpoint = Checkpoint::open(&bytes).unwrap();
    let refusal = checkpoint.belongs_to("key", "looksam").unwrap_err().to_string();
    assert!(refusal.contains("fsam") && refusal.contains("looksam"), "{refusal}");
    let mut other = learner(&model, "under looksam");
    assert!(checkpoint.restore(&model.layout, &mut other, &FlexDevice).is_err(), "its memory is not there");
}
